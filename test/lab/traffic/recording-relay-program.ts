/**
 * `recording-relay-program.ts <listen port> <server address> <server port>`: a UDP relay on the way that keeps the last datagrams of each
 * direction. Says "listening"; answers each line on standard input with a {@link Recording} as JSON.
 */
import { createSocket, type Socket } from "node:dgram";
import { createInterface } from "node:readline";

export interface Recording {
  /** Where the client's latest datagram came from. */
  readonly client: { readonly address: string; readonly port: number };
  /** Hexadecimal, oldest first. */
  readonly up: readonly string[];
  readonly down: readonly string[];
}

const KEPT = 200;

const [, , listenPort, serverAddress, serverPort] = process.argv;
const listener = createSocket("udp4");
const upstreams = new Map<string, Socket>();
const up: string[] = [];
const down: string[] = [];
let client = { address: "", port: 0 };

listener.on("message", (datagram, from) => {
  client = { address: from.address, port: from.port };
  keep(up, datagram);
  const key = `${from.address}:${from.port}`;
  const upstream = upstreams.get(key) ?? open(from.address, from.port);
  upstreams.set(key, upstream);
  upstream.send(datagram, Number(serverPort), serverAddress);
});
listener.bind(Number(listenPort), () => console.log("listening"));
createInterface({ input: process.stdin }).on("line", () => {
  console.log(JSON.stringify({ client, up, down } satisfies Recording));
});

function open(address: string, port: number): Socket {
  const socket = createSocket("udp4");
  socket.on("message", (datagram) => {
    keep(down, datagram);
    listener.send(datagram, port, address);
  });
  return socket;
}

function keep(list: string[], datagram: Buffer): void {
  list.push(datagram.toString("hex"));
  if (list.length > KEPT) list.shift();
}

/**
 * `datagram-gun-program.ts <host> <port>`: sends each line of hexadecimal digits on standard input as one UDP datagram. An empty line is answered with the
 * number of datagrams that came back so far.
 */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { createInterface } from "node:readline";

const [, , host, port] = process.argv;
const socket = createSocket(isIPv6(host!) ? "udp6" : "udp4");
let answers = 0;
socket.on("message", () => {
  answers++;
});
socket.on("error", () => {});
socket.bind(() => console.log("ready"));
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "") console.log(answers);
  else socket.send(Buffer.from(line.trim(), "hex"), Number(port), host);
});

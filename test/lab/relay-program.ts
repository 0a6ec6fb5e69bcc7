/**
 * `relay-program.ts <listen> <connect>`: passes TCP or Unix connections on; each side is `unix:<path>` or `tcp:<host>:<port>`.
 * A Unix socket is reached from every network namespace, so a pair of relays brings a port out of one.
 */
import { connect, createServer, type ListenOptions, type NetConnectOpts } from "node:net";

const [, , listenOn, connectTo] = process.argv;

createServer({ allowHalfOpen: true }, (inner) => {
  const outer = connect({ ...endpoint(connectTo!), allowHalfOpen: true } as NetConnectOpts);
  inner.pipe(outer).pipe(inner);
  inner.on("error", () => outer.destroy());
  outer.on("error", () => inner.destroy());
}).listen(endpoint(listenOn!), () => console.log("listening"));

function endpoint(text: string): ListenOptions {
  if (text.startsWith("unix:")) return { path: text.slice("unix:".length) };
  const match = /^tcp:(.*):(\d+)$/.exec(text);
  if (!match) throw new Error(`"${text}" is neither unix:<path> nor tcp:<host>:<port>`);
  return { host: match[1]!, port: Number(match[2]) };
}

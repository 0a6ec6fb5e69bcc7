/**
 * `door-program.ts <directory> <port…>`: makes the loopback ports of the namespace in which it runs reachable from
 * outside, each as the Unix socket `<directory>/<port>`. Says "ready".
 */
import { mkdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

const [, , directory, ...ports] = process.argv;
mkdirSync(directory!, { recursive: true });
await Promise.all(ports.map((port) => open(join(directory!, port), Number(port))));
console.log("ready");
process.stdin.resume().on("end", () => process.exit(0));

function open(path: string, port: number): Promise<void> {
  rmSync(path, { force: true });
  const server = createServer((outside) => {
    const inside = connect(port, "127.0.0.1");
    outside.on("error", () => inside.destroy()).on("close", () => inside.destroy());
    inside.on("error", () => outside.destroy()).on("close", () => outside.destroy());
    outside.pipe(inside).pipe(outside);
  });
  return new Promise((resolve) => server.listen(path, resolve));
}

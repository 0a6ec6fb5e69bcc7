/**
 * `http-server-program.ts <port> <megabytes>`: serves random bytes. `GET /file?bytes=N` answers with the first N bytes and
 * their SHA-256 in `X-Content-SHA256`; without `bytes`, all of them. Says "listening" when it does.
 */
import { createHash, randomFillSync } from "node:crypto";
import { createServer } from "node:http";

const [, , port, megabytes] = process.argv;
const content = randomFillSync(Buffer.allocUnsafe(Number(megabytes) * 1024 * 1024));
const hashes = new Map<number, string>();

createServer((request, response) => {
  const wanted = Number(new URL(request.url ?? "/", "http://localhost").searchParams.get("bytes") ?? content.length);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > content.length) {
    response.writeHead(400).end(`bytes: 0 to ${content.length}\n`);
    return;
  }
  const part = content.subarray(0, wanted);
  const sha256 = hashes.get(wanted) ?? createHash("sha256").update(part).digest("hex");
  hashes.set(wanted, sha256);
  response.writeHead(200, { "Content-Length": wanted, "X-Content-SHA256": sha256 }).end(part);
}).listen(Number(port), "::", () => console.log("listening"));

/**
 * `http-client-program.ts <URL> [seconds]`: downloads and checks the SHA-256 that the server names; after `seconds` it stops and keeps
 * what it has measured. One JSON line of {@link DownloadProgress} every 100 ms, a {@link DownloadResult} at the end.
 */
import { createHash } from "node:crypto";
import { get, type IncomingMessage } from "node:http";

export interface DownloadProgress {
  readonly kind: "progress";
  readonly bytes: number;
  readonly elapsedMs: number;
  /** The longest gap that has ended since the last line. */
  readonly gapMs: number;
}

export interface DownloadResult {
  readonly kind: "result";
  readonly bytes: number;
  /** From the first byte to the last. */
  readonly elapsedMs: number;
  /** Until the connection stood, and until the first byte of the answer, from the start. */
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly longestGapMs: number;
  /** When that gap began, from the first byte. */
  readonly longestGapAtMs: number;
  /** "stopped": the time was over first. */
  readonly sha256: "matches" | "differs" | "stopped";
}

const PROGRESS_MS = 100;
/** Nothing for so long: the connection is dead. */
const SILENCE_MS = 30_000;

const [, , url, seconds] = process.argv;
const startMs = performance.now();
let connectMs = 0;
const request = get(url!, { agent: false }, (response) => receive(response));
request.on("socket", (socket) => {
  socket.on("connect", () => {
    connectMs = performance.now() - startMs;
  });
});
request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`nothing for ${SILENCE_MS / 1000} s`)));
request.on("error", (error) => fail(error));

function receive(response: IncomingMessage): void {
  const hash = createHash("sha256");
  const firstMs = performance.now();
  let lastMs = firstMs;
  let bytes = 0;
  let gap = { ms: 0, atMs: 0 };
  let recentGapMs = 0;
  const finish = (complete: boolean): void => {
    const matches = hash.digest("hex") === response.headers["x-content-sha256"];
    say({
      kind: "result",
      bytes,
      elapsedMs: lastMs - firstMs,
      connectMs,
      firstByteMs: firstMs - startMs,
      longestGapMs: gap.ms,
      longestGapAtMs: gap.atMs,
      sha256: complete ? (matches ? "matches" : "differs") : "stopped",
    });
    process.exit(complete && !matches ? 1 : 0);
  };
  response.on("data", (chunk: Buffer) => {
    const nowMs = performance.now();
    recentGapMs = Math.max(recentGapMs, nowMs - lastMs);
    if (nowMs - lastMs > gap.ms) gap = { ms: nowMs - lastMs, atMs: lastMs - firstMs };
    lastMs = nowMs;
    bytes += chunk.length;
    hash.update(chunk);
  });
  response.on("end", () => finish(true));
  response.on("error", (error) => fail(error));
  setInterval(() => {
    say({ kind: "progress", bytes, elapsedMs: performance.now() - firstMs, gapMs: recentGapMs });
    recentGapMs = 0;
  }, PROGRESS_MS);
  if (seconds) setTimeout(() => finish(false), Number(seconds) * 1000);
}

function say(line: DownloadProgress | DownloadResult): void {
  console.log(JSON.stringify(line));
}

function fail(error: Error): void {
  console.error(`download: ${error.message}`);
  process.exit(1);
}

/**
 * `short-gets-program.ts <URL> <seconds> <pause ms>`: GETs the URL for so long, one after the other, each over a TCP connection of its own.
 * One JSON line of {@link ShortGet} each.
 */
import { get } from "node:http";

export interface ShortGet {
  /** Until the connection stood. */
  readonly connectMs: number;
  /** Until the last byte of the answer, from the start. */
  readonly totalMs: number;
}

const SILENCE_MS = 20_000;

const [, , url, seconds, pauseMs] = process.argv;
const endMs = performance.now() + Number(seconds) * 1000;
while (performance.now() < endMs) {
  console.log(JSON.stringify(await getOnce()));
  await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
}

function getOnce(): Promise<ShortGet> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    let connectMs = 0;
    const request = get(url!, { agent: false }, (response) => {
      response.on("end", () => resolve({ connectMs, totalMs: performance.now() - startMs }));
      response.on("error", reject).resume();
    });
    request.on("socket", (socket) => {
      socket.on("connect", () => {
        connectMs = performance.now() - startMs;
      });
    });
    request.on("error", reject);
    request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`nothing for ${SILENCE_MS / 1000} s`)));
  });
}

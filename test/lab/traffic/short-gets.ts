import { fileURLToPath } from "node:url";
import { run } from "../process.ts";
import { HTTP_PORT } from "./http.ts";
import type { ShortGet } from "./short-gets-program.ts";

export type { ShortGet } from "./short-gets-program.ts";

const PROGRAM = fileURLToPath(new URL("./short-gets-program.ts", import.meta.url));

export interface ShortGetsOptions {
  readonly namespace: string;
  readonly host: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Between the end of one and the start of the next. */
  readonly pauseMs: number;
}

/** Short HTTP requests in a row from the server of `startHttpServer`, each over a new TCP connection. */
export async function shortGets(options: ShortGetsOptions): Promise<readonly ShortGet[]> {
  const { namespace, host, bytes, seconds, pauseMs } = options;
  const url = `http://${host}:${HTTP_PORT}/file?bytes=${bytes}`;
  const out = await run([process.execPath, PROGRAM, url, String(seconds), String(pauseMs)], { namespace });
  return out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ShortGet);
}

import { fileURLToPath } from "node:url";
import { type Running, start } from "../process.ts";
import type { DownloadProgress, DownloadResult } from "./http-client-program.ts";

export type { DownloadProgress, DownloadResult } from "./http-client-program.ts";

export const HTTP_PORT = 8000;

/** An HTTP server of random bytes on {@link HTTP_PORT}. Resolves when it listens. */
export async function startHttpServer(namespace: string, megabytes: number, detached = false): Promise<Running> {
  const server = start([process.execPath, program("http-server"), String(HTTP_PORT), String(megabytes)], {
    namespace,
    detached,
  });
  for await (const line of server.lines) {
    if (line !== "listening") continue;
    if (detached) server.release();
    return server;
  }
  throw new Error("the HTTP server ended before it listened");
}

export interface DownloadOptions {
  readonly namespace: string;
  readonly host: string;
  readonly bytes?: number;
  /** Stop after this and keep what was measured. */
  readonly seconds?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** One HTTP download over one TCP connection. Rejects if it breaks or the SHA-256 differs. */
export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const url = `http://${host}:${HTTP_PORT}/file${options.bytes === undefined ? "" : `?bytes=${options.bytes}`}`;
  const seconds = options.seconds === undefined ? [] : [String(options.seconds)];
  const client = start([process.execPath, program("http-client"), url, ...seconds], { namespace: options.namespace });
  let result: DownloadResult | undefined;
  for await (const line of client.lines) {
    const message = JSON.parse(line) as DownloadProgress | DownloadResult;
    if (message.kind === "result") result = message;
    else options.onProgress?.(message);
  }
  if (!result) throw new Error(`the download of ${url} broke off`);
  if (result.sha256 === "differs") throw new Error(`the download of ${url} has a wrong SHA-256`);
  return result;
}

/** Goodput of a download in Mbit/s. */
export function goodputMbit(result: DownloadResult): number {
  return (result.bytes * 8) / 1000 / result.elapsedMs;
}

function program(name: string): string {
  return fileURLToPath(new URL(`./${name}-program.ts`, import.meta.url));
}

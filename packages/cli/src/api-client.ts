import { CommandError } from "./errors.ts";
import type { InstanceRecord } from "./instance/record.ts";

const TIMEOUT_MS = 5000;

/** Asks the REST API of a running instance. Throws CommandError if it does not answer. */
export async function askApi(record: InstanceRecord, path: string): Promise<unknown> {
  const url = `http://${reachable(record.http)}${path}`;
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new CommandError(
      "api-silent",
      `edgebos-${record.role} runs (pid ${record.pid}), but its api service does not answer at ${url}: it may still be starting, or runs in another network namespace`,
      undefined,
      cause,
    );
  }
  if (response.ok) return await response.json();
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  throw new CommandError(
    "api-error",
    `${url} answers ${response.status}: ${problem.detail ?? problem.title ?? response.statusText}`,
  );
}

/** The address to dial for an address that is listened on. */
function reachable(listen: string): string {
  return listen.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

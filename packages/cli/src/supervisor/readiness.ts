import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { SERVICES, serviceSocketIn } from "@edgebos/service/state-files";

const POLL_MS = 100;

/** Waits until each service answers on its Unix socket. Returns the names of those that do not within the limit. */
export async function untilServicesAnswer(
  stateDir: string,
  limitMs: number,
  given: AbortSignal,
  names: readonly string[] = SERVICES,
): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  const waiting = new Set<string>(names);
  while (waiting.size > 0 && !given.aborted && performance.now() < deadline) {
    for (const name of waiting) if (await answers(serviceSocketIn(stateDir, name))) waiting.delete(name);
    if (waiting.size > 0) await delay(POLL_MS);
  }
  return [...waiting];
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

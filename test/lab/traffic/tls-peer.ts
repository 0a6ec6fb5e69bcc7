import { fileURLToPath } from "node:url";
import { run } from "../process.ts";
import type { TlsPeerOptions, TlsPeerResult } from "./tls-peer-program.ts";

export type { TlsPeerOptions, TlsPeerResult } from "./tls-peer-program.ts";

const PROGRAM = fileURLToPath(new URL("./tls-peer-program.ts", import.meta.url));

/** Lets a peer of the control channel, good or bad, do what it is told. */
export async function tlsPeer(namespace: string, options: TlsPeerOptions): Promise<TlsPeerResult> {
  const out = await run([process.execPath, PROGRAM, JSON.stringify(options)], { namespace });
  return JSON.parse(out) as TlsPeerResult;
}

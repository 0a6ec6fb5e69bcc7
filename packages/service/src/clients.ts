import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

/** One client that a server lets in. */
export interface ClientEntry {
  /** Common name of the certificate. */
  readonly name: string;
  /** SHA-256 of the certificate in DER, hexadecimal, colons allowed. */
  readonly fingerprint_sha256: string;
  /** When it was added, ISO 8601. */
  readonly added: string;
}

/**
 * Reads `clients.yaml` of a server's state directory. A missing file is an empty list.
 * @throws Error with one line that names the file and what is wrong with it.
 */
export function readClients(file: string): readonly ClientEntry[] {
  if (!existsSync(file)) return [];
  try {
    return CLIENTS.parse(parse(readFileSync(file, "utf8")) ?? {}).clients;
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll("\n", " ") : String(cause);
    throw new Error(`${file} is not a list of clients: ${what}`, { cause });
  }
}

const CLIENTS = z.object({
  clients: z
    .array(z.object({ name: z.string().min(1), fingerprint_sha256: z.string().min(1), added: z.coerce.string() }))
    .nullish()
    .transform((clients) => clients ?? []),
});

import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

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
    return clientsOf(parse(readFileSync(file, "utf8")));
  } catch (cause) {
    const what = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new Error(`${file} is not a list of clients: ${what}`, { cause });
  }
}

function clientsOf(document: unknown): ClientEntry[] {
  const clients = (document as { clients?: unknown } | null)?.clients ?? [];
  if (!Array.isArray(clients)) throw new TypeError("clients must be a list");
  return clients.map((client: unknown, index) => {
    const { name, fingerprint_sha256, added } = (client ?? {}) as Record<string, unknown>;
    if (!isText(name)) throw new TypeError(`clients[${index}].name is missing`);
    if (!isText(fingerprint_sha256)) throw new TypeError(`clients[${index}].fingerprint_sha256 is missing`);
    return { name, fingerprint_sha256, added: String(added) };
  });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

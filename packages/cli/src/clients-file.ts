import { type ClientEntry, readClients } from "@edgebos/service/clients";
import { stringify } from "yaml";
import { writeWhole } from "./pki/server-files.ts";

const HEAD =
  "# Clients that this server lets in. Written by `edgebos-server client add` and `client remove`; changes take effect at once.\n";

/** Adds a client, or replaces the one of that name. */
export function putClient(file: string, entry: ClientEntry): void {
  const others = readClients(file).filter(({ name }) => name !== entry.name);
  write(file, [...others, entry]);
}

/** Returns whether there was such a client. */
export function dropClient(file: string, name: string): boolean {
  const clients = readClients(file);
  const others = clients.filter((client) => client.name !== name);
  if (others.length === clients.length) return false;
  write(file, others);
  return true;
}

export function writeNoClients(file: string): void {
  write(file, []);
}

function write(file: string, clients: readonly ClientEntry[]): void {
  writeWhole(file, HEAD + stringify({ clients }, { lineWidth: 0 }), 0o600);
}

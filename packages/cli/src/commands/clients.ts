import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { readClients } from "@edgebos/service/clients";
import { type Config, defaultStateDir, loadConfig } from "@edgebos/service/config";
import { dropClient, putClient } from "../clients-file.ts";
import { type Invocation, requiredOption, textOption } from "../command.ts";
import { clientConfig } from "../config-files.ts";
import { CommandError, EXIT } from "../errors.ts";
import { table } from "../format.ts";
import { createLeaf, fingerprint } from "../pki/certificate.ts";
import { readAuthority, serverFiles, writeWhole } from "../pki/server-files.ts";
import { leafValidity } from "./validity-option.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Creates a client's certificate and configuration, and registers the client. */
export function addClient(invocation: Invocation): number {
  const name = invocation.operands[0]!;
  if (!NAME.test(name)) {
    throw new CommandError(
      "usage",
      `a client's name has 1 to 63 letters, digits, '.', '-' or '_': not "${name}"`,
      EXIT.usage,
    );
  }
  const stateDir = stateDirOf(invocation);
  const out = resolve(requiredOption(invocation, "out", "the directory for the client's files"));
  const authority = readAuthority(stateDir);
  const server = serverConfigOf(stateDir);
  const files = serverFiles(stateDir);
  const target = clientFiles(out);
  refuseReplacing(name, files.clients, Object.values(target), invocation.options.force === true);

  const leaf = createLeaf(
    { commonName: name, use: "client", hosts: [], validity: leafValidity(invocation) },
    authority,
  );
  writeWhole(target.key, leaf.keyPem, 0o600);
  writeWhole(target.certificate, leaf.certificatePem);
  writeWhole(target.ca, authority.certificatePem);
  writeWhole(target.config, clientConfig(server.host, server.port));
  const entry = { name, fingerprint_sha256: fingerprint(leaf.certificatePem), added: new Date().toISOString() };
  putClient(files.clients, entry);

  const text = `Client "${name}" is let in. Copy ${out} to it, and run there:\n  edgebos-client start --config config.yaml\n`;
  process.stdout.write(invocation.json ? `${JSON.stringify({ ...entry, out })}\n` : text);
  return EXIT.ok;
}

/** Lists the registered clients. */
export function listClients(invocation: Invocation): number {
  const clients = readClients(serverFiles(stateDirOf(invocation)).clients);
  if (invocation.json) {
    process.stdout.write(`${JSON.stringify({ clients })}\n`);
  } else if (clients.length === 0) {
    process.stdout.write('No client is let in yet: add one with "edgebos-server client add NAME --out DIR".\n');
  } else {
    const rows = clients.map(({ name, added, fingerprint_sha256 }) => [name, added, fingerprint_sha256]);
    process.stdout.write(table(["NAME", "ADDED", "CERTIFICATE (SHA-256)"], rows));
  }
  return EXIT.ok;
}

/** Takes a client off the list; a running server disconnects it. */
export function removeClient(invocation: Invocation): number {
  const name = invocation.operands[0]!;
  const { clients } = serverFiles(stateDirOf(invocation));
  if (!dropClient(clients, name)) {
    throw new CommandError("unknown-client", `there is no client "${name}": see "edgebos-server client list"`);
  }
  process.stdout.write(
    invocation.json ? `${JSON.stringify({ removed: name })}\n` : `Client "${name}" is refused from here on.\n`,
  );
  return EXIT.ok;
}

function stateDirOf(invocation: Invocation): string {
  return resolve(textOption(invocation, "state-dir") ?? defaultStateDir("server"));
}

function serverConfigOf(stateDir: string): Config["server"] {
  return loadConfig(serverFiles(stateDir).config).server;
}

function clientFiles(directory: string) {
  return {
    config: join(directory, "config.yaml"),
    certificate: join(directory, "client-cert.pem"),
    key: join(directory, "client-key.pem"),
    ca: join(directory, "ca.pem"),
  } as const;
}

function refuseReplacing(name: string, clientsFile: string, files: readonly string[], force: boolean): void {
  if (force) return;
  if (readClients(clientsFile).some((client) => client.name === name)) {
    throw new CommandError(
      "client-exists",
      `there is a client "${name}": give --force to replace its certificate, or choose another name`,
    );
  }
  const present = files.find((file) => existsSync(file));
  if (present !== undefined) {
    throw new CommandError("file-exists", `${present} exists: choose another --out, or give --force to replace it`);
  }
}

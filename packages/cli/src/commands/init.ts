import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defaultStateDir, parseConfig } from "@edgebos/service/config";
import { writeNoClients } from "../clients-file.ts";
import { type Invocation, numberOption, requiredOption, textOption } from "../command.ts";
import { serverConfig } from "../config-files.ts";
import { CommandError, EXIT } from "../errors.ts";
import { createAuthority, createLeaf } from "../pki/certificate.ts";
import { AUTHORITY_DAYS, serverFiles, validity, writeWhole } from "../pki/server-files.ts";
import { leafValidity } from "./validity-option.ts";

/** A common name holds at most 64 characters (RFC 5280, ub-common-name). */
const COMMON_NAME_LIMIT = 64;

/** Creates the certificate authority, the server's certificate and its configuration. */
export function init(invocation: Invocation): number {
  const stateDir = resolve(textOption(invocation, "state-dir") ?? defaultStateDir("server"));
  const host = requiredOption(invocation, "host", "the name or address by which clients reach this server");
  const port = numberOption(invocation, "port", 8443);
  const files = serverFiles(stateDir);
  const config = serverConfig(host, port);
  parseConfig(config, files.config);
  refuseOverwriting(files, invocation.options.force === true);

  const authority = createAuthority(
    `EdgeBOS CA ${randomBytes(4).toString("hex")}`,
    validity(new Date(), AUTHORITY_DAYS),
  );
  const commonName = host.length <= COMMON_NAME_LIMIT ? host : "edgebos-server";
  const leaf = createLeaf({ commonName, use: "server", hosts: [host], validity: leafValidity(invocation) }, authority);
  writeWhole(files.caKey, authority.keyPem, 0o600);
  writeWhole(files.caCertificate, authority.certificatePem);
  writeWhole(files.key, leaf.keyPem, 0o600);
  writeWhole(files.certificate, leaf.certificatePem);
  writeNoClients(files.clients);
  writeWhole(files.config, config);

  report(invocation, stateDir, files.config);
  return EXIT.ok;
}

function refuseOverwriting(files: ReturnType<typeof serverFiles>, force: boolean): void {
  const present = Object.values(files).filter((file) => existsSync(file));
  if (present.length === 0 || force) return;
  throw new CommandError(
    "already-initialised",
    `${present[0]} exists: choose another --state-dir, or give --force to replace everything (all clients need new certificates then)`,
  );
}

function report({ json }: Invocation, stateDir: string, config: string): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ stateDir, config })}\n`);
    return;
  }
  process.stdout.write(
    [
      `Created the certificate authority, the server's certificate and ${config}.`,
      "Next:",
      `  edgebos-server client add NAME --state-dir ${stateDir} --out DIR`,
      `  edgebos-server start --config ${config}`,
      "",
    ].join("\n"),
  );
}

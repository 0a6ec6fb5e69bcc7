import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../errors.ts";
import type { Issued, Validity } from "./certificate.ts";

/** Files of a server's state directory besides those of a running instance. */
export function serverFiles(stateDir: string) {
  return {
    config: join(stateDir, "config.yaml"),
    caCertificate: join(stateDir, "ca.pem"),
    caKey: join(stateDir, "ca-key.pem"),
    certificate: join(stateDir, "server-cert.pem"),
    key: join(stateDir, "server-key.pem"),
    clients: join(stateDir, "clients.yaml"),
  } as const;
}

/** The authority that `init` made. */
export function readAuthority(stateDir: string): Issued {
  const { caCertificate, caKey } = serverFiles(stateDir);
  if (!existsSync(caKey) || !existsSync(caCertificate)) {
    throw new CommandError(
      "no-authority",
      `there is no certificate authority in ${stateDir}: run "edgebos-server init --state-dir ${stateDir} --host NAME_OR_IP" first`,
    );
  }
  try {
    return { certificatePem: readFileSync(caCertificate, "utf8"), keyPem: readFileSync(caKey, "utf8") };
  } catch (cause) {
    throw new CommandError(
      "authority-unreadable",
      `${caKey} cannot be read: run this command as the user who ran init`,
      undefined,
      cause,
    );
  }
}

/** Writes a whole file or nothing. */
export function writeWhole(file: string, contents: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents, { mode });
  chmodSync(temporary, mode);
  renameSync(temporary, file);
}

/** Days a certificate of an end is valid, and of the authority. */
export const LEAF_DAYS = 825;
export const AUTHORITY_DAYS = 3650;

const DAY_MS = 86_400_000;

/** From a day ago, since clocks of gateways are not to be trusted, until `days` from `now` or until `notAfter`. */
export function validity(now: Date, days: number, notAfter?: Date): Validity {
  const end = notAfter ?? new Date(now.getTime() + days * DAY_MS);
  return { notBefore: new Date(Math.min(now.getTime(), end.getTime()) - DAY_MS), notAfter: end };
}

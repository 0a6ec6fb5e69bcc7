/** Certificates for tests, made by the openssl command. */

import { spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Identity {
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly fingerprintSha256: string;
}

/** Why these tests cannot run here, or false. */
export const opensslMissing: string | false =
  spawnSync("openssl", ["version"]).status === 0 ? false : "the command openssl is missing";

/** A CA of its own, in a temporary directory that `dispose` removes. */
export class TestAuthority {
  readonly ca: Buffer;
  readonly #caFile: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "dp-ca-"));

  constructor() {
    this.#caFile = join(this.#directory, "ca.pem");
    const keyFile = join(this.#directory, "ca-key.pem");
    openssl(["req", "-x509", ...newKey(keyFile), "-subj", "/CN=test authority", "-days", "2", "-out", this.#caFile]);
    this.ca = readFileSync(this.#caFile);
  }

  issue(commonName: string): Identity {
    const file = (suffix: string) => join(this.#directory, `${commonName}${suffix}`);
    openssl([
      "req",
      ...newKey(file("-key.pem")),
      "-subj",
      `/CN=${commonName}`,
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-out",
      file(".csr"),
    ]);
    const signer = ["-CA", this.#caFile, "-CAkey", join(this.#directory, "ca-key.pem"), "-CAcreateserial"];
    openssl([
      "x509",
      "-req",
      "-in",
      file(".csr"),
      ...signer,
      "-copy_extensions",
      "copy",
      "-days",
      "1",
      "-out",
      file(".pem"),
    ]);
    const certificate = readFileSync(file(".pem"));
    return {
      certificate,
      key: readFileSync(file("-key.pem")),
      fingerprintSha256: createHash("sha256").update(new X509Certificate(certificate).raw).digest("hex"),
    };
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function newKey(file: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file];
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

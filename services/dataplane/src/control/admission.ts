/** Who is let in: certificates and the server's list of clients. Pure. */

/** One entry of `<state_dir>/clients.yaml`. */
export interface KnownClient {
  readonly name: string;
  /** SHA-256 of the DER certificate, hexadecimal in any case, with or without colons. */
  readonly fingerprintSha256: string;
}

/** What TLS knows of a peer. */
export interface PeerCertificate {
  /** Whether the chain leads to our CA, in its time, for this purpose; else OpenSSL's name of the fault. */
  readonly fault: string | undefined;
  readonly commonName: string | undefined;
  readonly fingerprintSha256: string | undefined;
}

/** Label of `edgebos_control_refused_total`, in the order of the checks. */
export const REFUSAL_REASONS = [
  "too-many",
  "tls",
  "timeout",
  "alpn",
  "no-certificate",
  "untrusted-certificate",
  "expired-certificate",
  "unknown-client",
  "fingerprint-mismatch",
  "malformed",
  "version",
  "pool-exhausted",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export type Admission =
  | { readonly kind: "admitted"; readonly name: string }
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly text: string };

export function admit(peer: PeerCertificate, clients: readonly KnownClient[]): Admission {
  if (peer.commonName === undefined || peer.fingerprintSha256 === undefined) {
    return refused("no-certificate", "no client certificate was presented");
  }
  if (peer.fault !== undefined) return refusedByTls(peer.fault);
  const { commonName: name } = peer;
  const entries = clients.filter((client) => client.name === name);
  if (entries.length === 0) {
    return refused(
      "unknown-client",
      `no client "${name}" is registered: run "edgebos-server client add ${name}" there`,
    );
  }
  const fingerprint = bare(peer.fingerprintSha256);
  if (entries.some((client) => bare(client.fingerprintSha256) === fingerprint)) return { kind: "admitted", name };
  return refused("fingerprint-mismatch", `"${name}" is registered with another certificate: use the newest one`);
}

/** Whether an admitted client would still be. */
export function isRegistered(name: string, fingerprintSha256: string, clients: readonly KnownClient[]): boolean {
  return admit({ fault: undefined, commonName: name, fingerprintSha256 }, clients).kind === "admitted";
}

function refusedByTls(fault: string): Admission {
  if (fault === "CERT_HAS_EXPIRED" || fault === "CERT_NOT_YET_VALID") {
    const when = fault === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet: check both clocks";
    return refused("expired-certificate", `the client certificate ${when}`);
  }
  return refused("untrusted-certificate", `the client certificate was not issued by this server's CA (${fault})`);
}

function refused(reason: RefusalReason, text: string): Admission {
  return { kind: "refused", reason, text };
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

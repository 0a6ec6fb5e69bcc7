import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import * as der from "./der.ts";

/** X.509 version 3 certificates (RFC 5280) with ECDSA P-256 keys and SHA-256 signatures. */
export interface Issued {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly use: "server" | "client";
  /** Host names and addresses that the certificate is for. */
  readonly hosts: readonly string[];
  readonly validity: Validity;
}

/** A certificate authority that signs itself. */
export function createAuthority(commonName: string, validity: Validity): Issued {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = name(commonName);
  const extensions = [
    extension(OID.basicConstraints, der.sequence(der.boolean(true), der.integer(Buffer.of(0))), true),
    extension(OID.keyUsage, KEY_USAGE_AUTHORITY, true),
    extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifier(publicKey))),
  ];
  return issue({ subject, issuer: subject, publicKey, extensions, validity }, privateKey, privateKey);
}

/** A certificate for one server or client, signed by `authority`. */
export function createLeaf(request: LeafRequest, authority: Issued): Issued {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = createPrivateKey(authority.keyPem);
  const issuerKey = new X509Certificate(authority.certificatePem).publicKey;
  const extensions = [
    extension(OID.basicConstraints, der.sequence(), true),
    extension(OID.keyUsage, KEY_USAGE_LEAF, true),
    extension(OID.extendedKeyUsage, der.sequence(der.oid(request.use === "server" ? OID.serverAuth : OID.clientAuth))),
    extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifier(publicKey))),
    extension(OID.authorityKeyIdentifier, der.sequence(der.implicit(0, keyIdentifier(issuerKey)))),
    ...(request.hosts.length === 0
      ? []
      : [extension(OID.subjectAltName, der.sequence(...request.hosts.map(hostName)))]),
  ];
  const issuer = authorityName(authority);
  return issue(
    { subject: name(request.commonName), issuer, publicKey, extensions, validity: request.validity },
    signer,
    privateKey,
  );
}

/** SHA-256 of the certificate in DER, as `AB:CD:…`. */
export function fingerprint(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256;
}

interface ToBeSigned {
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly validity: Validity;
}

const OID = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** keyCertSign (bit 5) and cRLSign (bit 6). */
const KEY_USAGE_AUTHORITY = der.bitString(Buffer.of(0b0000_0110), 1);
/** digitalSignature (bit 0). */
const KEY_USAGE_LEAF = der.bitString(Buffer.of(0b1000_0000), 7);
const SERIAL_BYTES = 16;

function issue(content: ToBeSigned, signer: KeyObject, ownKey: KeyObject): Issued {
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
  const { notBefore, notAfter } = content.validity;
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.of(2))),
    der.integer(randomBytes(SERIAL_BYTES)),
    algorithm,
    content.issuer,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    content.subject,
    content.publicKey.export({ type: "spki", format: "der" }),
    der.explicit(3, der.sequence(...content.extensions)),
  );
  const certificate = der.sequence(body, algorithm, der.bitString(sign("sha256", body, signer)));
  return {
    certificatePem: pem("CERTIFICATE", certificate),
    keyPem: ownKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

function name(commonName: string): Uint8Array {
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8String(commonName))));
}

/** The authority's own name; its certificates carry a common name only. */
function authorityName(authority: Issued): Uint8Array {
  const { subject } = new X509Certificate(authority.certificatePem);
  const commonName = /^CN=(.*)$/m.exec(subject)?.[1];
  if (commonName === undefined) throw new Error(`the authority has no common name: ${subject}`);
  return name(commonName);
}

/** GeneralName: dNSName [2] or iPAddress [7]. */
function hostName(host: string): Uint8Array {
  return isIP(host) === 0 ? der.implicit(2, Buffer.from(host, "ascii")) : der.implicit(7, addressBytes(host));
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const [head, tail] = address.replace(/%.*$/, "").split("::").map(groups);
  const zeros = tail === undefined ? [] : new Array<number>(8 - head!.length - tail.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...head!, ...zeros, ...(tail ?? [])].entries()) bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

/** The 16-bit groups of one half of an IPv6 address; an IPv4 address at its end counts as two. */
function groups(half: string): number[] {
  if (half === "") return [];
  return half.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split(".").map(Number);
    return [a! * 256 + b!, c! * 256 + d!];
  });
}

/** RFC 5280 §4.2.1.2, method 1 with SHA-256 cut to 160 bits (RFC 7093 §2, method 1). */
function keyIdentifier(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x!, "base64url"), Buffer.from(y!, "base64url")]);
  return createHash("sha256").update(point).digest().subarray(0, 20);
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

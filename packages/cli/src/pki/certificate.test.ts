import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { createAuthority, createLeaf, fingerprint, type Issued, type LeafRequest } from "./certificate.ts";

const DAY_MS = 86_400_000;
const validFor = (days: number) => ({
  notBefore: new Date(Date.now() - 2 * DAY_MS),
  notAfter: new Date(Date.now() + days * DAY_MS),
});
const authority = createAuthority("EdgeBOS CA test", validFor(3650));
const leaf = (request: Partial<LeafRequest>) =>
  createLeaf({ commonName: "van", use: "client", hosts: [], validity: validFor(825), ...request }, authority);

describe("a certificate", () => {
  const issued = leaf({
    commonName: "gw",
    use: "server",
    hosts: ["gw.example.com", "192.0.2.7", "2001:db8::7", "::ffff:192.0.2.9"],
  });
  const parsed = new X509Certificate(issued.certificatePem);
  const ca = new X509Certificate(authority.certificatePem);

  test("is what its request says", () => {
    assert.equal(parsed.subject, "CN=gw");
    assert.equal(parsed.issuer, "CN=EdgeBOS CA test");
    assert.deepEqual([parsed.ca, ca.ca], [false, true]);
    assert.equal(parsed.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
    assert.equal(parsed.checkPrivateKey(createPrivateKey(issued.keyPem)), true);
    assert.deepEqual(parsed.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  });

  test("is signed by its authority and by nobody else", () => {
    assert.equal(parsed.checkIssued(ca), true);
    assert.equal(parsed.verify(ca.publicKey), true);
    assert.equal(
      parsed.verify(new X509Certificate(createAuthority("EdgeBOS CA test", validFor(1)).certificatePem).publicKey),
      false,
    );
  });

  test("names its hosts", () => {
    assert.equal(parsed.checkHost("gw.example.com"), "gw.example.com");
    for (const address of ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.9"])
      assert.equal(parsed.checkIP(address), address);
    assert.equal(parsed.checkHost("other.example.com"), undefined);
    assert.equal(parsed.checkIP("192.0.2.8"), undefined);
  });

  test("keeps its dates, also beyond 2050", () => {
    const validity = { notBefore: new Date("2026-01-02T03:04:05Z"), notAfter: new Date("2061-12-31T23:59:59Z") };
    const { validFromDate, validToDate } = new X509Certificate(leaf({ validity }).certificatePem);
    assert.deepEqual({ notBefore: validFromDate, notAfter: validToDate }, validity);
  });

  test("has a serial number and a fingerprint of its own", () => {
    const other = leaf({});
    assert.notEqual(new X509Certificate(other.certificatePem).serialNumber, parsed.serialNumber);
    assert.notEqual(fingerprint(other.certificatePem), fingerprint(issued.certificatePem));
  });
});

describe("TLS 1.3 with both sides' certificates", () => {
  const server = leaf({ commonName: "server", use: "server", hosts: ["127.0.0.1"] });

  test("accepts a client of the same authority", async () => {
    assert.equal(await handshake(server, leaf({ commonName: "van" })), "van");
  });

  test("refuses an expired client", async () => {
    await assert.rejects(handshake(server, leaf({ validity: validFor(-1) })), /CERT_HAS_EXPIRED/);
  });

  test("refuses a client of another authority", async () => {
    const other = createAuthority("EdgeBOS CA test", validFor(1));
    const request = { commonName: "van", use: "client", hosts: [], validity: validFor(1) } as const;
    await assert.rejects(handshake(server, createLeaf(request, other)), /CERT_SIGNATURE_FAILURE|UNABLE_TO_VERIFY/);
  });

  test("refuses a server certificate in a client's hands", async () => {
    await assert.rejects(handshake(server, server), /INVALID_PURPOSE/);
  });
});

/** The client's name as the server sees it, or the server's reason for refusing. */
async function handshake(server: Issued, client: Issued): Promise<string> {
  const listener = createServer({
    cert: server.certificatePem,
    key: server.keyPem,
    ca: authority.certificatePem,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address() as { port: number };
  const socket = connect({
    port: address.port,
    host: "127.0.0.1",
    cert: client.certificatePem,
    key: client.keyPem,
    ca: authority.certificatePem,
  });
  socket.on("error", () => {});
  try {
    return await new Promise<string>((resolve, reject) => {
      listener.once("secureConnection", (peer: TLSSocket) => {
        if (peer.authorized) resolve(String(peer.getPeerCertificate().subject.CN));
        else reject(new Error(String(peer.authorizationError)));
        peer.destroy();
      });
      listener.once("tlsClientError", reject);
    });
  } finally {
    socket.destroy();
    listener.close();
  }
}

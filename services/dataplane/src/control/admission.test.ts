import assert from "node:assert/strict";
import { test } from "node:test";
import { admit, isRegistered, type PeerCertificate, type RefusalReason } from "./admission.ts";

const clients = [
  { name: "van", fingerprintSha256: "AB:CD:EF" },
  { name: "ship", fingerprintSha256: "012345" },
];
const van: PeerCertificate = { fault: undefined, commonName: "van", fingerprintSha256: "ab:cd:ef" };

test("a registered client with its certificate is let in, however its fingerprint is spelled", () => {
  assert.deepEqual(admit(van, clients), { kind: "admitted", name: "van" });
  assert.deepEqual(admit({ ...van, commonName: "ship", fingerprintSha256: "01:23:45" }, clients), {
    kind: "admitted",
    name: "ship",
  });
});

const refusals: [string, Partial<PeerCertificate>, RefusalReason][] = [
  ["without a certificate", { commonName: undefined, fingerprintSha256: undefined }, "no-certificate"],
  ["with a certificate of another CA", { fault: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }, "untrusted-certificate"],
  ["with an expired certificate", { fault: "CERT_HAS_EXPIRED" }, "expired-certificate"],
  ["with a certificate of the future", { fault: "CERT_NOT_YET_VALID" }, "expired-certificate"],
  ["that is not on the list", { commonName: "thief" }, "unknown-client"],
  ["with a replaced certificate", { fingerprintSha256: "99" }, "fingerprint-mismatch"],
  ["with the certificate of another client", { fingerprintSha256: "012345" }, "fingerprint-mismatch"],
];
for (const [who, difference, reason] of refusals) {
  test(`a client ${who} is refused as ${reason}`, () => {
    const admission = admit({ ...van, ...difference }, clients);
    assert.equal(admission.kind === "refused" && admission.reason, reason);
  });
}

test("a client that was taken off the list is not registered any more", () => {
  assert.ok(isRegistered("van", "abcdef", clients));
  assert.ok(!isRegistered("van", "abcdef", clients.slice(1)));
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { completeChecksum, sumBytes } from "./checksum.ts";
import { allocateMemory } from "./memory.ts";
import { buildPacket, checksumOf, withPartialChecksum } from "./packet-samples.ts";

const memory = allocateMemory(1 << 17);

test("sums agree with the plain definition for every length, alignment and the largest packet", () => {
  for (let length = 0; length < 64; length++) {
    for (let offset = 0; offset < 4; offset++) {
      const bytes = randomBytes(length);
      memory.bytes.set(bytes, offset);
      assert.equal(~sumBytes(memory.view, offset, length) & 0xffff, checksumOf(bytes));
    }
  }
  memory.bytes.fill(0xff, 0, 65_535);
  assert.equal(sumBytes(memory.view, 0, 65_535), 0xff00);
});

test("a partial checksum is completed, for both families and protocols, odd lengths included", () => {
  for (const ipv6 of [false, true]) {
    for (const protocol of ["tcp", "udp"] as const) {
      for (const length of [1, 2, 7, 1400]) {
        const packet = buildPacket({ ipv6, protocol, payload: randomBytes(length) });
        memory.bytes.set(withPartialChecksum(packet), 3);
        assert.equal(completeChecksum(memory, 3, packet.length), true);
        assert.deepEqual(Buffer.from(memory.bytes.slice(3, 3 + packet.length)), packet);
      }
    }
  }
});

test("a UDP checksum that comes out as zero is sent as its other encoding", () => {
  const packet = buildPacket({ protocol: "udp", payload: Buffer.alloc(2) });
  // A payload equal to the checksum of all else makes the sum 0xffff.
  packet.writeUInt16BE(packet.readUInt16BE(26), 28);
  memory.bytes.set(withPartialChecksum(packet), 0);
  completeChecksum(memory, 0, packet.length);
  assert.equal(memory.view.getUint16(26), 0xffff);
});

test("fragments, other protocols and packets of wrong length are left alone", () => {
  const packet = buildPacket({ protocol: "udp", payload: randomBytes(64) });
  const fragment = Buffer.from(packet);
  fragment.writeUInt16BE(0x2000, 6);
  const icmp = Buffer.from(packet);
  icmp[9] = 1;
  for (const [bytes, length] of [
    [fragment, 92],
    [icmp, 92],
    [packet, 91],
    [packet, 19],
  ] as const) {
    memory.bytes.set(bytes, 0);
    assert.equal(completeChecksum(memory, 0, length), false);
    assert.deepEqual(Buffer.from(memory.bytes.slice(0, bytes.length)), bytes);
  }
});

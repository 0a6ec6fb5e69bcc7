import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { FLOOR_SHARE, HandshakeHold } from "./handshake-hold.ts";
import { Handshakes } from "./handshakes.ts";
import { TcpPacket } from "./tcp-packet.ts";

const LOADED_US = 60_000;
const FLOOR_US = FLOOR_SHARE * LOADED_US;
const ASKED_AT = 1_000_000;
const SYN = 0x02;
const ACK = 0x10;

test("an answer that jitter let pass much sooner than packets of a loaded path waits", () => {
  const { hold, ask, answer } = create();
  ask(5_000, ASKED_AT);
  const slot = answer(5_000);
  assert.equal(hold.hold(slot, micros(ASKED_AT + 13_000)), true);
  assert.equal(hold.timeoutAt(), ASKED_AT + FLOOR_US);
  assert.equal(hold.poll(micros(ASKED_AT + FLOOR_US - 1)), -1);
  assert.equal(hold.poll(micros(ASKED_AT + FLOOR_US)), slot);
  assert.equal(hold.timeoutAt(), Number.POSITIVE_INFINITY);
});

test("an answer that took as long as others passes, and so does all that answers no SYN of the host's", () => {
  const { hold, ask, answer } = create();
  ask(5_000, ASKED_AT);
  assert.equal(hold.hold(answer(5_000), micros(ASKED_AT + FLOOR_US)), false);
  assert.equal(hold.hold(answer(5_000, ACK), micros(ASKED_AT + 1)), false, "an ack");
  assert.equal(hold.hold(answer(5_001), micros(ASKED_AT + 1)), false, "another flow");
});

test("answers are handed over as each is due, and none that waits is lost", () => {
  const { hold, ask, answer, pool } = create();
  const ports = [5_000, 5_001, 5_002];
  for (const [n, port] of ports.entries()) ask(port, ASKED_AT + 1_000 * n);
  const slots = ports.map((port) => answer(port));
  for (const slot of slots.toReversed()) assert.equal(hold.hold(slot, micros(ASKED_AT + 10_000)), true);
  for (const [n, slot] of slots.slice(0, 2).entries()) {
    assert.equal(hold.poll(micros(ASKED_AT + FLOOR_US + 1_000 * n)), slot);
    pool.free(slot);
  }
  hold.clear();
  assert.equal(pool.freeSlots, pool.slots);
});

function create() {
  const pool = new PacketPool(new Arena(1 << 21), { slots: 64 });
  const { view } = pool.arena;
  const handshakes = new Handshakes();
  const hold = new HandshakeHold(pool, { loadedUs: LOADED_US }, handshakes);
  const ask = (port: number, now: number): void => {
    const packet = new TcpPacket();
    assert.ok(packet.read(view, pool.scratchOffset, writeTcp(view, pool.scratchOffset, port, true, SYN)));
    handshakes.noteHost(packet.flow, 7, true, now);
  };
  const answer = (port: number, flags = SYN | ACK): Slot => {
    const slot = pool.alloc();
    pool.length[slot] = writeTcp(view, pool.packetOffset(slot), port, false, flags);
    return slot;
  };
  return { pool, hold, ask, answer };
}

/** Writes a TCP header from the host's port to 443, or back, and returns its length. */
function writeTcp(view: DataView, offset: number, port: number, isFromHost: boolean, flags: number): number {
  view.setUint32(offset, 0x4500_0028);
  view.setUint32(offset + 8, 0x4006_0000);
  view.setUint32(offset + 12, isFromHost ? 0x0a00_0001 : 0x0a00_0002);
  view.setUint32(offset + 16, isFromHost ? 0x0a00_0002 : 0x0a00_0001);
  view.setUint16(offset + 20, isFromHost ? port : 443);
  view.setUint16(offset + 22, isFromHost ? 443 : port);
  view.setUint8(offset + 32, 5 << 4);
  view.setUint8(offset + 33, flags);
  return 40;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import type { Slot } from "../types.ts";
import { FLAG_UNORDERED, FLAG_VOID, LANES, VOID_BODY } from "../wire/lane-header.ts";
import { Unreleased } from "./unreleased.ts";

const RECEIVER_ROOM = 16_384;
const SLOTS = 20_000;

test("a lane with a gap has no more under way than the receiver has room for, and goes on when the gap is closed", () => {
  const { unreleased, packet, sendAll } = createUnreleased();
  const slots = sendAll(1, 0, SLOTS - 100);
  assert.ok(slots.length < RECEIVER_ROOM && slots.length > RECEIVER_ROOM / 2, `${slots.length} packets`);
  for (const slot of slots.slice(1)) unreleased.arrive(slot);
  assert.ok(!unreleased.hasRoomFor(packet(1, slots.length)));
  unreleased.arrive(slots[0]!);
  assert.equal(unreleased.packets, 0);
  assert.ok(unreleased.hasRoomFor(packet(1, slots.length)));
});

test("the gap of one lane silences no other, and all lanes together keep within the receiver's room", () => {
  const { unreleased, sendAll } = createUnreleased();
  sendAll(1, 0, SLOTS - 3_000);
  for (let lane = 2; lane < LANES; lane++) assert.ok(sendAll(lane, 0, 10).length >= 4, `lane ${lane}`);
  assert.ok(unreleased.packets <= RECEIVER_ROOM, `${unreleased.packets} packets`);
});

test("the packet that closes a gap may always be sent", () => {
  const { unreleased, packet, sendAll } = createUnreleased();
  sendAll(1, 1, SLOTS - 100);
  assert.ok(unreleased.hasRoomFor(packet(1, 0)));
});

test("a VOID counts as one packet, and what stands behind it is released with it", () => {
  const { unreleased, packet } = createUnreleased();
  const first = packet(1, 0);
  const empty = packet(1, 1, FLAG_VOID, 5_000);
  const last = packet(1, 5_001);
  for (const slot of [first, empty, last]) unreleased.send(slot);
  assert.equal(unreleased.packets, 3);
  unreleased.arrive(last);
  unreleased.arrive(empty);
  assert.equal(unreleased.packets, 3);
  unreleased.arrive(first);
  assert.equal(unreleased.packets, 0);
});

test("unordered packets take no room", () => {
  const { unreleased, packet } = createUnreleased();
  unreleased.send(packet(1, 7, FLAG_UNORDERED));
  assert.equal(unreleased.packets, 0);
});

function createUnreleased() {
  const pool = new PacketPool(new Arena(SLOTS * 2_048 + 100_000), { slots: SLOTS });
  const unreleased = new Unreleased(pool);
  const packet = (lane: number, sequence: number, flags = 0, span = 1): Slot => {
    const slot = pool.alloc();
    pool.lane[slot] = lane;
    pool.sequence[slot] = sequence;
    pool.flags[slot] = flags;
    pool.arena.view.setUint16(pool.packetOffset(slot) + VOID_BODY.COUNT, span);
    return slot;
  };
  /** Sends numbers of a lane in a row, at most `count`, for as long as there is room. */
  const sendAll = (lane: number, from: number, count: number): Slot[] => {
    const slots: Slot[] = [];
    for (let n = 0; n < count; n++) {
      const slot = packet(lane, from + n);
      if (!unreleased.hasRoomFor(slot)) break;
      unreleased.send(slot);
      slots.push(slot);
    }
    return slots;
  };
  return { unreleased, packet, sendAll };
}

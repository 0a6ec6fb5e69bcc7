import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import { FLAG_FIRST_HALF, FLAG_LAST_HALF, FLAG_UNORDERED, FLAG_VOID } from "../wire/lane-header.ts";
import { Resequencer } from "./resequencer.ts";

test("packets come out in the order of their sequence, each once", () => {
  const { accept, polled, resequencer } = create();
  for (const sequence of [2, 0, 0, 3, 1, 2, 5, 4]) accept(sequence);
  assert.deepEqual(polled(), [0, 1, 2, 3, 4, 5]);
  assert.equal(resequencer.duplicatePackets, 2);
  assert.equal(resequencer.heldPackets, 0);
});

test("a loss in one lane does not delay another", () => {
  const { accept, polled } = create();
  accept(1, { lane: 1 });
  accept(0, { lane: 2 });
  accept(1, { lane: 2 });
  assert.deepEqual(polled(), [0, 1]);
});

test("a VOID closes a gap of any length, and displaces what waited at its numbers", () => {
  const { accept, polled, pool } = create();
  accept(2);
  accept(5);
  accept(0);
  accept(1, { flags: FLAG_VOID, span: 4 });
  assert.deepEqual(polled(), [0, 5]);
  assert.equal(pool.freeSlots, pool.slots);
});

test("the sequence goes on after 2^32 - 1", () => {
  const { accept, polled } = create();
  const spanMax = 0xffff;
  let next = 0;
  for (; next + spanMax < 2 ** 32 - 2; next += spanMax) accept(next, { flags: FLAG_VOID, span: spanMax });
  for (; next < 2 ** 32 - 2; next++) accept(next, { flags: FLAG_VOID, span: 1 });
  for (const sequence of [1, 0xffff_ffff, 0, 0xffff_fffe]) accept(sequence);
  assert.deepEqual(polled(), [0xffff_fffe, 0xffff_ffff, 0, 1]);
});

test("unordered packets come out at once, each once", () => {
  const { accept, polled } = create();
  for (const sequence of [7, 3, 7, 4, 3]) accept(sequence, { flags: FLAG_UNORDERED });
  assert.deepEqual(polled(), [7, 3, 4]);
});

test("two halves make one packet, whichever comes first", () => {
  const { accept, polledBytes } = create();
  accept(0, { flags: FLAG_FIRST_HALF, bytes: [1, 2, 3] });
  accept(0, { flags: FLAG_LAST_HALF, bytes: [4, 5] });
  accept(1, { flags: FLAG_LAST_HALF, bytes: [8, 9] });
  accept(1, { flags: FLAG_LAST_HALF, bytes: [8, 9] });
  accept(1, { flags: FLAG_FIRST_HALF, bytes: [6, 7] });
  assert.deepEqual(polledBytes(), [
    [1, 2, 3, 4, 5],
    [6, 7, 8, 9],
  ]);
});

test("a half does not pass for its packet, and the whole packet displaces it", () => {
  const { accept, polledBytes, pool } = create();
  accept(0, { flags: FLAG_FIRST_HALF, bytes: [1, 2] });
  accept(1, { flags: FLAG_FIRST_HALF, bytes: [3, 4] });
  accept(2, { bytes: [9] });
  assert.deepEqual(polledBytes(), []);
  accept(0, { bytes: [1, 2, 3] });
  assert.deepEqual(polledBytes(), [[1, 2, 3]]);
  accept(1, { bytes: [3, 4, 5] });
  accept(1, { flags: FLAG_LAST_HALF, bytes: [5] });
  assert.deepEqual(polledBytes(), [[3, 4, 5], [9]]);
  assert.equal(pool.freeSlots, pool.slots);
});

test("a gap is given up at the deadline and not before", () => {
  const { accept, polled, resequencer } = create();
  resequencer.gapDeadlineUs = 1_000;
  accept(3, { at: 100 });
  accept(4, { at: 200 });
  assert.equal(resequencer.timeoutAt(), 1_100);
  resequencer.handleTimeout(micros(1_099));
  assert.deepEqual(polled(), []);
  resequencer.handleTimeout(micros(1_100));
  assert.deepEqual(polled(), [3, 4]);
  assert.equal(resequencer.skippedGaps, 1);
  accept(2, { at: 1_200 });
  assert.deepEqual(polled(), [], "too late");
});

test("when half of the memory waits, the oldest gap is given up", () => {
  const { accept, polled, pool, resequencer } = create();
  accept(1, { lane: 1, at: 1 });
  for (let sequence = 1; sequence <= pool.slots / 2; sequence++) accept(sequence, { lane: 2, at: 2 });
  assert.deepEqual(polled(), [1]);
  assert.equal(resequencer.skippedGaps, 1);
});

test("everything goes back to the pool", () => {
  const { accept, pool, resequencer } = create();
  for (const sequence of [0, 2, 4]) accept(sequence);
  accept(9, { flags: FLAG_FIRST_HALF });
  resequencer.clear();
  assert.equal(pool.freeSlots, pool.slots);
});

interface Packet {
  lane?: number;
  flags?: number;
  bytes?: number[];
  span?: number;
  at?: number;
}

function create() {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const resequencer = new Resequencer(pool);
  const accept = (sequence: number, { lane = 0, flags = 0, bytes = [1], span, at = 0 }: Packet = {}): void => {
    const slot = pool.alloc();
    const offset = pool.packetOffset(slot);
    pool.lane[slot] = lane;
    pool.sequence[slot] = sequence;
    pool.flags[slot] = flags;
    pool.length[slot] = span === undefined ? bytes.length : 2;
    if (span === undefined) pool.arena.bytes.set(bytes, offset);
    else pool.arena.view.setUint16(offset, span);
    resequencer.accept(slot, micros(at));
  };
  const drain = <T>(take: (slot: number) => T): T[] => {
    const taken: T[] = [];
    for (let slot = resequencer.poll(); slot >= 0; slot = resequencer.poll()) {
      taken.push(take(slot));
      pool.free(slot);
    }
    return taken;
  };
  const polled = (): number[] => drain((slot) => pool.sequence[slot]!);
  const polledBytes = (): number[][] =>
    drain((slot) => {
      const offset = pool.packetOffset(slot as never);
      return [...pool.arena.bytes.subarray(offset, offset + pool.length[slot]!)];
    });
  return { pool, resequencer, accept, polled, polledBytes };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import { Resequencer } from "./resequencer.ts";

const TCP = 6;
const UDP = 17;
const PACKET_BYTES = 1_328;
/** 100 Mbit/s. */
const INTERVAL_US = (PACKET_BYTES * 8) / 100;
/** A gap of 45 ms, which is what a repair takes over 20 ms links, keeps 560 kB waiting. */
const GAP_PACKETS = 423;
/** Full datagrams in a socket of 208 KiB. */
const SOCKET_PACKETS = 92;

test("UDP that waited behind a gap leaves at about twice its rate, in order, and the backlog is gone after another gap's length", () => {
  const lane = create(UDP);
  lane.flow(0, 1_000);
  const from = lane.now;
  lane.gap(1_000, GAP_PACKETS);
  lane.flow(1_001 + GAP_PACKETS, 1_000);
  assert.ok(lane.burstMax(1_000) < SOCKET_PACKETS, `${lane.burstMax(1_000)} packets in a millisecond`);
  assert.ok(lane.burstMax(10_000) < 0.6 * GAP_PACKETS, `${lane.burstMax(10_000)} packets in ten milliseconds`);
  assert.equal(lane.isInOrder, true);
  assert.ok(lane.caughtUpAt < from + 2.2 * GAP_PACKETS * INTERVAL_US, "catches up");
});

test("TCP that waited behind a gap leaves at once", () => {
  const lane = create(TCP);
  lane.flow(0, 1_000);
  lane.gap(1_000, GAP_PACKETS);
  assert.equal(lane.delivered, 1_001 + GAP_PACKETS);
  assert.equal(lane.resequencer.timeoutAt(), Number.POSITIVE_INFINITY);
});

test("a gap's backlog that any socket takes leaves at once, be it UDP", () => {
  const lane = create(UDP);
  lane.flow(0, 1_000);
  lane.gap(1_000, 40);
  assert.equal(lane.delivered, 1_041);
});

test("UDP without gaps is not delayed, at any rate", () => {
  const lane = create(UDP);
  for (let n = 0; n < 2_000; n++) lane.accept(n);
  assert.equal(lane.delivered, 2_000);
});

test("UDP that piled up while the process did not run is paced, too", () => {
  const lane = create(UDP);
  lane.flow(0, 1_000);
  const since = lane.now;
  lane.now += GAP_PACKETS * INTERVAL_US;
  lane.resequencer.noteStall(micros(since), micros(lane.now));
  for (let n = 0; n < GAP_PACKETS; n++) lane.accept(1_000 + n);
  lane.flow(1_000 + GAP_PACKETS, 1_000);
  assert.ok(lane.burstMax(1_000) < SOCKET_PACKETS, `${lane.burstMax(1_000)} packets in a millisecond`);
  assert.equal(lane.delivered, 2_000 + GAP_PACKETS);
  assert.equal(lane.isInOrder, true);
});

test("a packet that comes twice during a paced release is given on once", () => {
  const lane = create(UDP);
  lane.flow(0, 1_000);
  lane.gap(1_000, GAP_PACKETS);
  const next = lane.delivered;
  for (let n = next; n < next + 20; n++) lane.accept(n);
  lane.flow(1_001 + GAP_PACKETS, 1_000);
  assert.equal(lane.resequencer.duplicatePackets, 20);
  assert.equal(lane.delivered, 2_001 + GAP_PACKETS);
  assert.equal(lane.isInOrder, true);
});

test("where memory is short, a paced release ends at once and nothing is lost", () => {
  const lane = create(UDP, 1_024);
  lane.flow(0, 1_000);
  lane.gap(1_000, 511);
  for (let n = 0; lane.delivered < 1_512; n++) lane.accept(1_512 + n);
  assert.equal(lane.resequencer.skippedGaps, 0);
  assert.equal(lane.isInOrder, true);
});

/** One lane at 100 Mbit/s with a clock, and the books of what comes out. */
function create(protocol: number, slots = 4_096) {
  const pool = new PacketPool(new Arena(slots * 2_048 + 100_000), { slots });
  const resequencer = new Resequencer(pool);
  const times: number[] = [];
  const sequences: number[] = [];
  const lane = {
    resequencer,
    now: 1e6,
    caughtUpAt: 0,
    get delivered(): number {
      return times.length;
    },
    get isInOrder(): boolean {
      return sequences.every((sequence, index) => sequence === index);
    },
    accept(sequence: number): void {
      const slot = pool.alloc();
      const offset = pool.packetOffset(slot);
      pool.arena.view.setUint8(offset, 0x45);
      pool.arena.view.setUint8(offset + 9, protocol);
      pool.sequence[slot] = sequence;
      pool.lane[slot] = 0;
      pool.length[slot] = PACKET_BYTES;
      resequencer.accept(slot, micros(lane.now));
      lane.drain();
    },
    drain(): void {
      for (let slot = resequencer.poll(); slot >= 0; slot = resequencer.poll()) {
        times.push(lane.now);
        sequences.push(pool.sequence[slot]!);
        pool.free(slot);
      }
      if (resequencer.heldPackets === 0 && lane.caughtUpAt === 0 && sequences.length > 1_001)
        lane.caughtUpAt = lane.now;
    },
    runUntil(end: number): void {
      for (let at = resequencer.timeoutAt(); at <= end; at = resequencer.timeoutAt()) {
        lane.now = Math.max(lane.now, at);
        resequencer.handleTimeout(micros(lane.now));
        lane.drain();
      }
      lane.now = end;
    },
    flow(first: number, packets: number): void {
      for (let n = first; n < first + packets; n++) {
        lane.accept(n);
        lane.runUntil(lane.now + INTERVAL_US);
      }
    },
    /** The packet `missing` comes after `behind` others. */
    gap(missing: number, behind: number): void {
      lane.flow(missing + 1, behind);
      lane.accept(missing);
    },
    burstMax(windowUs: number): number {
      let max = 0;
      let start = 0;
      for (let end = 0; end < times.length; end++) {
        while (times[end]! - times[start]! > windowUs) start++;
        max = Math.max(max, end - start + 1);
      }
      return max;
    },
  };
  return lane;
}

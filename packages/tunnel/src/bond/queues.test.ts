import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros, writePacket } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Lane } from "./lane.ts";
import { QueueManagement } from "./queue-management.ts";
import { SlotRing } from "./slot-ring.ts";
import { UnorderedWindow } from "./unordered-window.ts";

test("a ring gives back in order what the middle was not taken from", () => {
  const ring = new SlotRing();
  for (let n = 0; n < 200; n++) ring.push(n as Slot);
  assert.equal(ring.takeAt(100), 100);
  assert.equal(ring.takeAt(0), 0);
  assert.equal(ring.seek(99), 100, "position 100 is a hole, the next slot stands one further");
  assert.equal(ring.at(100), 101);
  const rest = Array.from({ length: 198 }, () => ring.shift());
  assert.deepEqual(
    rest,
    Array.from({ length: 200 }, (_, n) => n).filter((n) => n !== 0 && n !== 100),
  );
  assert.equal(ring.shift(), -1);
  assert.equal(ring.count, 0);
});

test("a slot is inserted behind those of smaller and equal keys, past the holes of what was taken", () => {
  const ring = new SlotRing();
  const keys = Float64Array.from({ length: 200 }, (_, n) => n);
  for (let n = 0; n < 200; n++) if (n !== 0 && n !== 100 && n !== 120) ring.insert(n as Slot, keys);
  assert.equal(ring.at(98), 99);
  assert.equal(ring.takeAt(98), 99);
  ring.insert(100 as Slot, keys);
  ring.insert(0 as Slot, keys);
  keys[120] = 110;
  ring.insert(120 as Slot, keys);
  const order = Array.from({ length: 199 }, () => ring.shift() as number);
  const expected = Array.from({ length: 200 }, (_, n) => n).filter((n) => n !== 99 && n !== 120);
  expected.splice(expected.indexOf(110) + 1, 0, 120);
  assert.deepEqual(order, expected);
  assert.equal(ring.shift(), -1);
});

test("lanes with a backlog share by bytes, not by packets", () => {
  const { queue, push, serve } = createQueue();
  for (let i = 0; i < 200; i++) push(1, 1_400);
  for (let i = 0; i < 2_000; i++) push(2, 100);
  const bytes = serve(200_000);
  assert.ok(Math.abs(bytes[1]! - bytes[2]!) < 0.7 * bytes[1]!, "the packet cost weighs on the small ones");
  assert.ok(bytes[2]! < bytes[1]!);
  assert.ok(queue.packets > 0);
});

test("what a lane drops costs it nothing of its turn", () => {
  const { queue, push, serve } = createQueue();
  for (let i = 0; i < 200; i++) push(1, 1_400);
  for (let i = 0; i < 200; i++) push(2, 1_400);
  const lane = queue.lane(1);
  let bytes = [0, 0, 0];
  for (let round = 0; round < 15; round++) {
    for (let i = 0; i < 5; i++) {
      lane.take(0, 1_400);
      queue.discard(1_400);
    }
    const served = serve(12_000);
    bytes = bytes.map((sum, id) => sum + served[id]!);
  }
  assert.ok(Math.abs(bytes[1]! - bytes[2]!) <= 6_000, `${bytes[1]} and ${bytes[2]} bytes`);
});

test("a lane that was idle goes ahead of those with a backlog", () => {
  const { queue, push, serve } = createQueue();
  for (let i = 0; i < 100; i++) push(1, 1_400);
  serve(20_000);
  push(9, 100);
  assert.equal(queue.urgent(micros(0))?.id, 9);
  assert.equal(queue.turn()?.id, 9);
});

test("critical lanes come first, but not as a disguise for bulk", () => {
  const { queue, push, serve } = createQueue();
  queue.lane(5).isCritical = true;
  for (let i = 0; i < 300; i++) push(1, 1_400);
  for (let i = 0; i < 300; i++) push(5, 1_400);
  const bytes = serve(300_000);
  assert.ok(bytes[1]! > 0.4 * bytes[5]!, "a critical lane with a long queue takes turns");
});

test("a critical lane that is larger than the link leaves the others a turn in five, and a sparse one its urgency", () => {
  const { queue, push, serve } = createQueue();
  queue.lane(5).isCritical = true;
  for (let i = 0; i < 20; i++) push(5, 1_400);
  for (let i = 0; i < 20; i++) push(1, 1_400);
  const bytes = serve(24_000);
  assert.ok(bytes[1]! > 0 && bytes[1]! < bytes[5]!, `${bytes[1]} bytes beside ${bytes[5]}`);
  push(9, 100);
  assert.equal(queue.urgent(micros(0))?.id, 9);
});

test("a background lane gets what is left, and a little beside others", () => {
  const { queue, push, serve } = createQueue();
  queue.lane(7).isBackground = true;
  for (let i = 0; i < 500; i++) {
    push(1, 1_400);
    push(7, 1_400);
  }
  const bytes = serve(500_000);
  assert.ok(bytes[7]! > 0 && bytes[7]! < 0.15 * bytes[1]!);
  assert.ok(queue.shareOf(queue.lane(7)) < 0.1);
  serve(10e6);
  assert.equal(queue.packets, 0);
});

test("a standing queue is cut, with growing frequency; a short one never", () => {
  const { pool, lane, management } = createManagement();
  let dropped = 0;
  let firstDropAt = 0;
  for (let now = 0; now < 2e6; now += 1_000) {
    const slot = lane.queue.peek();
    pool.enteredAt[slot] = now - 200_000;
    if (management.judge(lane, slot, micros(now)) !== "drop") continue;
    dropped++;
    firstDropAt ||= now;
  }
  assert.ok(firstDropAt > 50_000, "a burst is no standing queue");
  assert.ok(dropped > 5 && dropped < 100, `${dropped} drops`);
  pool.enteredAt[lane.queue.peek()] = 2e6 - 10_000;
  assert.equal(management.judge(lane, lane.queue.peek(), micros(2e6)), "keep");
});

test("what has waited for seconds is dropped at once, ECN or not, except for the last few packets", () => {
  const { pool, lane, management } = createManagement();
  const slot = lane.queue.peek();
  pool.arena.view.setUint8(pool.packetOffset(slot) + 1, 2);
  pool.enteredAt[slot] = 1e6;
  assert.equal(management.judge(lane, slot, micros(1.1e6)), "keep");
  assert.equal(management.judge(lane, slot, micros(3.2e6)), "drop");
  while (lane.packets > 3) lane.take(0, 1_400);
  assert.equal(management.judge(lane, slot, micros(3.2e6)), "keep");
});

test("what may wait because a path was lost is dropped when it has waited for seconds, however slow the rest of the bond is", () => {
  const { pool, lane, management } = createManagement();
  management.capacity = 5;
  management.handlePathLoss(1_500_000, micros(1e6));
  management.capacity = 0.08;
  const slot = lane.queue.peek();
  pool.enteredAt[slot] = 1e6;
  assert.equal(management.judge(lane, slot, micros(2.9e6)), "keep");
  assert.equal(management.judge(lane, slot, micros(3.2e6)), "drop");
});

test("ECN-capable packets are marked instead, with a right header checksum", () => {
  const { pool, lane, management } = createManagement();
  const slot = lane.queue.peek();
  const offset = pool.packetOffset(slot);
  pool.arena.view.setUint8(offset + 1, 2);
  setHeaderChecksum(pool.arena.view, offset);
  let verdict = "keep";
  for (let now = 0; now < 2e6 && verdict === "keep"; now += 1_000) {
    pool.enteredAt[slot] = now - 200_000;
    verdict = management.judge(lane, slot, micros(now));
  }
  assert.equal(verdict, "mark");
  assert.equal(pool.arena.view.getUint8(offset + 1), 3);
  assert.equal(headerSum(pool.arena.view, offset), 0xffff);
});

test("an unordered sequence number is delivered once, in any order, also across the end of 32 bits", () => {
  const window = new UnorderedWindow();
  for (const sequence of [0, 5, 3, 1_000, 0xffff_ffff]) assert.equal(window.accept(sequence), true);
  for (const sequence of [0, 5, 3, 1_000]) assert.equal(window.accept(sequence), false);
  assert.equal(window.accept(10_000), true);
  assert.equal(window.accept(1_001), false, "older than the window");
});

function createQueue() {
  const queue = new FairQueue();
  let slot = 0;
  const sizes: number[] = [];
  const push = (id: number, bytes: number): void => {
    const lane = queue.lane(id);
    sizes[slot] = bytes;
    lane.push(slot++ as Slot, bytes, micros(0));
    queue.enlist(lane, bytes);
  };
  /** Serves about so many bytes; returns bytes per lane. */
  const serve = (bytes: number): number[] => {
    const served: number[] = new Array<number>(16).fill(0);
    for (let total = 0; total < bytes; ) {
      const lane: Lane | undefined = queue.turn();
      if (lane === undefined) break;
      const size = sizes[lane.queue.peek()]!;
      lane.take(0, size);
      queue.charge(lane, size, micros(0));
      served[lane.id]! += size;
      total += size;
    }
    return served;
  };
  return { queue, push, serve };
}

function createManagement() {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const queue = new FairQueue();
  const lane = queue.lane(1);
  for (let i = 0; i < 10; i++) {
    const slot = pool.alloc();
    pool.length[slot] = 1_400;
    writePacket(pool.arena, pool.packetOffset(slot), 1_400, 1, 6);
    lane.push(slot, 1_400, micros(0));
  }
  return { pool, lane, management: new QueueManagement(pool) };
}

function headerSum(view: DataView, offset: number): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += view.getUint16(offset + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function setHeaderChecksum(view: DataView, offset: number): void {
  view.setUint16(offset + 10, 0);
  view.setUint16(offset + 10, ~headerSum(view, offset) & 0xffff);
}

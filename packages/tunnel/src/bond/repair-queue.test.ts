import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { RepairQueue } from "./repair-queue.ts";

test("a packet waits for repair once, and leaves the queue when it arrives after all", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const slot = pool.alloc();
  pool.length[slot] = 500;
  pool.references[slot] = 1;
  repairs.lost(slot, 3);
  repairs.lost(slot, 3);
  assert.equal(repairs.packets, 1);
  assert.equal(repairs.bytes, 500);
  repairs.delivered(slot, 1);
  assert.equal(repairs.peek(), slot, "one half is not enough");
  repairs.delivered(slot, 2);
  repairs.forget(slot);
  assert.equal(repairs.peek(), -1);
  assert.equal(repairs.bytes, 0);
  assert.equal(pool.freeSlots, 64);
});

test("a repair that waits is withdrawn when the packet turns out to be on its way, until that is lost again", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const slot = pool.alloc();
  pool.references[slot] = 1;
  repairs.lost(slot, 3);
  repairs.restored(slot, 3);
  repairs.lost(slot, 3);
  assert.equal(repairs.peek(), slot);
  repairs.restored(slot, 3);
  assert.equal(repairs.peek(), -1);
  assert.deepEqual([repairs.packets, pool.references[slot]], [0, 1]);
});

test("a packet whose repair has left when it turns out to be on its way is repaired again only when both are lost", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const slot = pool.alloc();
  pool.references[slot] = 2;
  repairs.lost(slot, 3);
  repairs.take(0);
  repairs.restored(slot, 3);
  repairs.lost(slot, 3);
  assert.equal(repairs.packets, 0);
  repairs.lost(slot, 3);
  assert.equal(repairs.packets, 1);
});

test("of a packet in halves, no more than two losses are waited for", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const slot = pool.alloc();
  pool.references[slot] = 2;
  for (const part of [1, 2]) repairs.lost(slot, part);
  repairs.take(0);
  for (const part of [1, 2]) repairs.restored(slot, part);
  for (let copies = 2; copies > 0; copies--) repairs.lost(slot, 1);
  assert.equal(repairs.packets, 1);
});

test("a repair that is lost in its turn goes out ahead of what came in after it", () => {
  const pool = new PacketPool(new Arena(400_000), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const [first, second, third] = Array.from({ length: 3 }, (_, n) => {
    const slot = pool.alloc();
    pool.length[slot] = 500;
    pool.references[slot] = 1;
    pool.enteredAt[slot] = 1_000 * n;
    return slot;
  });
  repairs.lost(first!, 3);
  assert.equal(repairs.take(0), first);
  for (const slot of [second!, third!, first!]) repairs.lost(slot, 3);
  const order = [repairs.take(0), repairs.take(0), repairs.take(0)];
  assert.deepEqual(order, [first, second, third]);
  assert.equal(repairs.bytes, 0);
});

test("a lane counts only while it waits for something that is needed", () => {
  const pool = new PacketPool(new Arena(400_000), { slots: 64 });
  const repairs = new RepairQueue(pool);
  const [one, other] = [pool.alloc(), pool.alloc()];
  for (const slot of [one, other]) {
    pool.references[slot] = 1;
    pool.lane[slot] = 7;
    repairs.lost(slot, 3);
  }
  repairs.delivered(one, 3);
  assert.deepEqual([repairs.hasLane(7), repairs.lanes], [true, 1]);
  repairs.restored(other, 3);
  assert.deepEqual([repairs.hasLane(7), repairs.lanes], [false, 0]);
  repairs.lost(other, 3);
  assert.deepEqual([repairs.hasLane(7), repairs.lanes], [true, 1]);
  assert.equal(repairs.peek(), other);
  repairs.take(0);
  assert.deepEqual([repairs.hasLane(7), repairs.lanes], [false, 0]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "./arena.ts";
import { PacketPool } from "./packet-pool.ts";

test("every slot is handed out once, and again after it was freed", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const slots = new Set(Array.from({ length: 64 }, () => pool.alloc()));
  assert.equal(slots.size, 64);
  assert.equal(pool.alloc(), -1);
  const [slot] = slots;
  pool.free(slot!);
  assert.equal(pool.freeSlots, 1);
  assert.equal(pool.alloc(), slot);
});

test("a slot goes back to the pool with its last holder", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const slot = pool.alloc();
  pool.references[slot] = 2;
  pool.release(slot);
  assert.equal(pool.freeSlots, 63);
  pool.release(slot);
  assert.equal(pool.freeSlots, 64);
});

test("packets have room ahead for a lane header and do not reach into the next slot", () => {
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const distance = pool.packetOffset(pool.alloc()) - pool.packetOffset(pool.alloc());
  assert.ok(pool.capacityBytes >= 1_500);
  assert.ok(Math.abs(distance) >= pool.capacityBytes + 8);
});

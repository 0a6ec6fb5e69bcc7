import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros } from "../test-support.ts";
import { DROP_REASONS } from "../types.ts";
import { SessionTable } from "./session-table.ts";

test("a datagram reaches the bond that its session number names, and nobody else's costs any state", () => {
  const pair = new BondPair();
  pair.open(0);
  const table = new SessionTable(pair.arena);
  table.add(0x9000_0001, pair.client.bond);
  const inbox = pair.arena.reserve(2_048);
  const captured: Uint8Array[] = [];
  pair.filter = (_path, fromClient, bytes) => {
    if (!fromClient) captured.push(bytes.slice());
    return true;
  };
  pair.run(50_000);
  const hand = (bytes: Uint8Array): number => {
    pair.arena.bytes.set(bytes, inbox);
    return table.handleDatagram(inbox, bytes.length, inbox, micros(pair.now), micros(pair.now));
  };
  const known = captured.at(-1)!;
  assert.equal(DROP_REASONS[hand(known) - 1], "replayed", "the pair has delivered it already");
  assert.equal(table.last, pair.client.bond);
  assert.equal(
    DROP_REASONS[hand(Uint8Array.of(...known.slice(0, 2), 9, 9, 9, 9, ...known.slice(6))) - 1],
    "unknown-session",
  );
  assert.equal(table.last, undefined);
  assert.equal(DROP_REASONS[hand(known.slice(0, 20)) - 1], "truncated");
  assert.equal(DROP_REASONS[hand(known.map((byte, at) => (at === 0 ? byte ^ 0xc0 : byte))) - 1], "bad-version");
  assert.deepEqual(table.drops(), { truncated: 1, "bad-version": 1, "unknown-session": 1 });
  table.remove(0x9000_0001);
  assert.equal(DROP_REASONS[hand(known) - 1], "unknown-session");
});

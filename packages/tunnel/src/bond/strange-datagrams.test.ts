import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair } from "../test-support.ts";
import { DROP_REASONS } from "../types.ts";

test("the server follows a path's address, and only for authenticated datagrams", () => {
  const pair = openPair();
  let sample: Uint8Array = new Uint8Array();
  pair.filter = (_path, fromClient, bytes) => {
    if (fromClient && bytes.length > 500) sample = bytes;
    return !fromClient || bytes.length <= 500;
  };
  pair.send(pair.client, 1_000, 1);
  const forged = sample.slice();
  forged[20]! ^= 1;
  assert.equal(pair.inject(forged, 77), DROP_REASONS.indexOf("unauthenticated") + 1);
  assert.deepEqual(serverEvents(pair), []);
  assert.equal(pair.inject(sample, 77), 0);
  assert.deepEqual(serverEvents(pair), ["path-moved 0"]);
});

test("datagrams that are not ours are dropped, counted, and change nothing", () => {
  const pair = openPair();
  let sample: Uint8Array = new Uint8Array();
  pair.filter = (_path, fromClient, bytes) => {
    if (fromClient && bytes.length > 500) sample = bytes;
    return true;
  };
  pair.send(pair.client, 1_000, 1);
  pair.run(100_000);
  const reason = (change: (bytes: Uint8Array) => Uint8Array): string => {
    return DROP_REASONS[pair.inject(change(sample.slice())) - 1] ?? "accepted";
  };
  const patched = (at: number, value: number) => (bytes: Uint8Array) => {
    bytes[at] = value;
    return bytes;
  };
  assert.equal(
    reason((bytes) => bytes.subarray(0, 27)),
    "truncated",
  );
  assert.equal(reason(patched(0, 0x11)), "bad-version");
  assert.equal(reason(patched(3, 9)), "unknown-session");
  assert.equal(reason(patched(0, 0x71)), "unknown-epoch");
  assert.equal(
    reason((bytes) => bytes),
    "replayed",
  );
  assert.equal(reason(patched(1, 200)), "malformed");
  assert.equal(reason(patched(9, 99)), "unauthenticated");
  assert.equal(
    reason((bytes) => patched(9, 99)(patched(0, 0x5f)(bytes))),
    "malformed",
  );
  const { drops } = pair.server.bond.stats();
  for (const [name, count] of Object.entries(drops))
    assert.equal(count, name === "no-buffer" ? 0 : name === "malformed" ? 2 : 1);
});

test("random datagrams never throw", () => {
  const pair = openPair();
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 16;
  };
  for (let i = 0; i < 5_000; i++) {
    const bytes = Uint8Array.from({ length: random() % 120 }, random);
    if (bytes.length > 6 && i % 2 === 0) bytes.set([0x51 + (i % 3), 0, 0, 0, 0, 2]);
    pair.inject(bytes);
  }
  assert.equal(pair.server.bond.stats().innerRxPackets, 0);
});

function openPair(): BondPair {
  const pair = new BondPair();
  pair.open(0);
  pair.run(100_000);
  return pair;
}

/** What the server's bond has said since the last time, but for paths that came up. */
function serverEvents({ server }: BondPair): string[] {
  const events: string[] = [];
  for (let event = server.bond.pollEvent(); event !== undefined; event = server.bond.pollEvent()) {
    if (event.kind !== "path-up") events.push(`${event.kind} ${"path" in event ? event.path : event.epoch}`);
  }
  return events;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";
import type { PathPlan } from "../types.ts";
import { DATA_HEADER, KIND_FRAMES, kindOf, SEAL_BYTES } from "../wire/data-header.ts";
import { AckFrame, FRAME_ACK } from "../wire/frames.ts";

test("the ack of a path leaves with that of another which is due", () => {
  const pair = openPair();
  const plan = (weight: number): PathPlan => ({ enabled: true, role: "primary", weight, rateLimitBps: 0 });
  const paths = new Map([2, 1].map((weight, path) => [pathId(path), plan(weight)]));
  pair.client.bond.applyPlan({ algorithm: "weighted", paths }, micros(pair.now));
  const datagrams = transfer(pair);
  const joint = datagrams.filter((acks) => new Set(acks.map(({ path }) => path)).size === 2);
  assert.ok(datagrams.length > 50);
  assert.ok(joint.length > 0.5 * datagrams.length, `${joint.length} of ${datagrams.length}`);
});

test("an ack goes no further back than what the peer does not know yet", () => {
  const pair = openPair();
  let passed = 0;
  pair.filter = (_, fromClient, bytes) => !fromClient || bytes.length < 1_000 || ++passed % 20 > 0;
  const datagrams = transfer(pair);
  const ranges = datagrams.flat().map(({ rangeCount }) => rangeCount);
  const mean = ranges.reduce((sum, count) => sum + count, 0) / ranges.length;
  assert.ok(passed > 1_000, "fifty holes and more in all");
  assert.ok(mean < 8, `${mean} ranges`);
});

function openPair(): BondPair {
  const pair = new BondPair();
  pair.open(0);
  pair.open(1);
  pair.run(1_000_000);
  return pair;
}

/** A second of 45 Mbit/s up, and a little down. Returns the acks in each of the server's datagrams of frames. */
function transfer(pair: BondPair): AckFrame[][] {
  const datagrams: AckFrame[][] = [];
  const { filter } = pair;
  pair.filter = (path, fromClient, bytes) => {
    if (!fromClient && kindOf(bytes[DATA_HEADER.KIND]!) === KIND_FRAMES) datagrams.push(acksOf(bytes));
    return filter(path, fromClient, bytes);
  };
  for (let i = 0; i < 2_000; i++) {
    pair.send(pair.client, 1_400, 1);
    pair.send(pair.client, 1_400, 2);
    if (i % 10 === 0) pair.send(pair.server, 60, 3);
    pair.run(500);
  }
  return datagrams.filter((acks) => acks.length > 0);
}

/** The test's cipher leaves the plaintext as it is. */
function acksOf(bytes: Uint8Array): AckFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const limit = bytes.length - SEAL_BYTES + DATA_HEADER.LENGTH;
  const acks: AckFrame[] = [];
  for (let at: number = DATA_HEADER.LENGTH; at < limit; ) {
    const ack = new AckFrame();
    const length = view.getUint8(at) === FRAME_ACK ? ack.decode(view, at, limit) : 0;
    if (length === 0) break;
    acks.push(ack);
    at += length;
  }
  return acks;
}

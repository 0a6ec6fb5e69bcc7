import assert from "node:assert/strict";
import { test } from "node:test";
import { micros, pathId } from "../test-support.ts";
import { AckFrame } from "../wire/frames.ts";
import { ReceiveLedger } from "./receive-ledger.ts";

test("an ack leaves out what an acknowledged one has told", () => {
  const { note, ranges, send, acknowledge } = create();
  for (let n = 1; n <= 100; n++) if (n !== 50) note(n);
  send(7);
  acknowledge(0, 9, [9, 0]);
  for (let n = 101; n <= 103; n++) note(n);
  assert.deepEqual(ranges(), [3, 0]);
});

test("an ack repeats what was told in a datagram that is lost, or of which nothing is known yet", () => {
  const { note, ranges, send, acknowledge } = create();
  for (let n = 1; n <= 100; n++) if (n !== 50) note(n);
  send(7);
  acknowledge(0, 6, [6, 0]);
  acknowledge(1, 9, [9, 0]);
  assert.deepEqual(ranges(), [50, 1, 49, 0]);
  acknowledge(0, 9, [2, 1, 6, 0]);
  assert.deepEqual(ranges(), [50, 1, 49, 0]);
  send(10);
  acknowledge(0, 10, [1, 0]);
  note(101);
  assert.deepEqual(ranges(), [1, 0]);
});

test("a packet that comes after it was told missing is told", () => {
  const { note, ranges, send, acknowledge } = create();
  for (let n = 1; n <= 100; n++) if (n !== 50 && n !== 90) note(n);
  send(7);
  note(90);
  acknowledge(0, 7, [7, 0]);
  assert.deepEqual(ranges(), [50, 1, 49, 0], "the ack that arrived was sent before");
  send(8);
  acknowledge(0, 8, [1, 0]);
  note(50);
  assert.deepEqual(ranges(), [51, 0]);
});

test("a carrier that never answers is not waited for", () => {
  const { note, ranges, send, acknowledge } = create();
  for (let n = 1; n <= 100; n++) if (n !== 50) note(n);
  send(7, 1);
  for (let n = 8; n < 300; n++) send(n);
  acknowledge(0, 300, [300, 0]);
  note(101);
  assert.deepEqual(ranges(), [1, 0]);
});

for (const [name, lossShare, jitterSteps] of [
  ["lost", 0.04, 0],
  ["late", 0, 3],
  ["lost or late", 0.03, 2],
] as const) {
  test(`the peer hears of every arrival, whatever is ${name}, and of few ranges at a time`, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const peers = new Peers(seed, lossShare, jitterSteps);
      peers.run(600);
      const arrived = peers.ends.map((end) => [...end.arrived]);
      peers.runCalmly(60);
      for (const [index, { told, acks, ranges }] of peers.ends.entries()) {
        const untold = arrived[1 - index]!.filter((n) => !told.has(n));
        assert.deepEqual(untold, [], `seed ${seed}`);
        assert.ok(ranges / acks < 12, `${ranges / acks} ranges an ack, seed ${seed}`);
      }
    }
  });
}

function create() {
  const ledger = new ReceiveLedger();
  return {
    note: (n: number): void => ledger.note(n, 1_000, true, micros(n)),
    ranges: (): number[] => runsOf(ackOf(ledger)),
    send: (packetNumber: number, carrier = 0): void => ledger.receipt.onSent(ledger.largest, carrier, packetNumber),
    acknowledge(path: number, largest: number, runs: readonly number[]): void {
      const ack = new AckFrame();
      ack.path = path;
      ack.largest = largest;
      ack.rangeCount = runs.length / 2;
      ack.runs.set(runs);
      ledger.receipt.onAck(ack);
    },
  };
}

function ackOf(ledger: ReceiveLedger): AckFrame {
  const view = new DataView(new ArrayBuffer(200));
  const ack = new AckFrame();
  ack.decode(view, 0, ledger.writeAck(view, 0, pathId(0), micros(1e9)));
  return ack;
}

function runsOf(ack: AckFrame): number[] {
  return [...ack.runs.subarray(0, 2 * ack.rangeCount)];
}

interface Peer {
  readonly received: ReceiveLedger;
  /** Numbers that came in, and numbers of its own of which it was told that they did. */
  readonly arrived: Set<number>;
  readonly told: Set<number>;
  next: number;
  acks: number;
  ranges: number;
}

interface Flying {
  readonly at: number;
  readonly to: Peer;
  readonly number: number;
  readonly ack: AckFrame | undefined;
}

/** Of either direction, and longer than a round trip. */
const OUTAGE_EVERY_STEPS = [90, 130] as const;
const OUTAGE_STEPS = 25;

/** Two ends of one path, both of which send four packets a step and an ack in every other step, over a way of ten steps. */
class Peers {
  readonly ends: readonly [Peer, Peer] = [createPeer(), createPeer()];
  readonly #lossShare: number;
  readonly #jitterSteps: number;
  #flying: Flying[] = [];
  #step = 0;
  #isCalm = false;
  #state: number;

  constructor(seed: number, lossShare: number, jitterSteps: number) {
    this.#state = seed;
    this.#lossShare = lossShare;
    this.#jitterSteps = jitterSteps;
  }

  run(steps: number): void {
    for (const end = this.#step + steps; this.#step < end; this.#step++) {
      const due = this.#flying.filter(({ at }) => at <= this.#step);
      this.#flying = this.#flying.filter(({ at }) => at > this.#step);
      for (const datagram of due) arrive(datagram);
      this.#send(this.ends[0], this.ends[1]);
      this.#send(this.ends[1], this.ends[0]);
    }
  }

  runCalmly(steps: number): void {
    this.#isCalm = true;
    this.run(steps);
  }

  #send(from: Peer, to: Peer): void {
    for (let i = 0; i < 4; i++) this.#launch(to, from.next++, undefined);
    if (this.#step % 2 > 0 || from.received.largest === 0) return;
    from.received.receipt.onSent(from.received.largest, 0, from.next);
    const ack = ackOf(from.received);
    from.acks++;
    from.ranges += ack.rangeCount;
    this.#launch(to, from.next++, ack);
  }

  #launch(to: Peer, number: number, ack: AckFrame | undefined): void {
    const outageEvery = OUTAGE_EVERY_STEPS[this.ends.indexOf(to)]!;
    const isOut = this.#step % outageEvery < OUTAGE_STEPS;
    if (!this.#isCalm && (isOut || this.#random() < this.#lossShare)) return;
    const isLate = this.#random() < 0.05;
    this.#flying.push({ at: this.#step + 10 + (isLate ? this.#jitterSteps : 0), to, number, ack });
  }

  #random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }
}

function createPeer(): Peer {
  return { received: new ReceiveLedger(), arrived: new Set(), told: new Set(), next: 1, acks: 0, ranges: 0 };
}

function arrive({ to, number, ack }: Flying): void {
  to.received.note(number, 1_000, true, micros(number));
  to.arrived.add(number);
  if (ack === undefined) return;
  to.received.receipt.onAck(ack);
  for (let n = ack.largest; n > ack.largest - 2_000; n--) if (ack.acknowledges(n)) to.told.add(n);
}

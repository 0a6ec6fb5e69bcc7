import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import { AckFrame } from "../wire/frames.ts";
import { PathMtu } from "./path-mtu.ts";
import { IN_FLIGHT, SentLedger, type SentSink } from "./sent-ledger.ts";

const IP_UDP_BYTES = 28;
const CEILING_BYTES = 1_472;
const MINUTE_US = 60_000_000;

test("an ordinary path is known to be wide with the answer to its first ping", () => {
  const path = new TestPath(1_500);
  path.start();
  assert.equal(path.mtu.confirmedBytes, CEILING_BYTES);
  assert.deepEqual(path.probes, [CEILING_BYTES]);
  assert.equal(path.mtu.dueAt(false), Number.POSITIVE_INFINITY);
});

for (const mtu of [1_280, 1_358, 1_400, 1_420, 1_440, 1_492]) {
  test(`an MTU of ${mtu} bytes is found exactly, within 16 probes`, () => {
    const path = new TestPath(mtu);
    path.start();
    path.settle();
    assert.equal(path.mtu.confirmedBytes + IP_UDP_BYTES, mtu);
    assert.ok(path.probes.length <= 16, `${path.probes.length} probes`);
  });
}

test("an unusual MTU is found to within 16 bytes", () => {
  for (let mtu = 1_228; mtu <= 1_500; mtu += 3) {
    const path = new TestPath(mtu);
    path.start();
    path.settle();
    const missing = mtu - path.mtu.confirmedBytes - IP_UDP_BYTES;
    assert.ok(missing >= 0 && missing < 16, `${missing} bytes of ${mtu} are not used`);
  }
});

test("two probes lost by chance do not narrow a path", () => {
  const path = new TestPath(1_500);
  path.losses = 2;
  path.start();
  path.settle();
  assert.equal(path.mtu.confirmedBytes, CEILING_BYTES);
});

test("a path that was silent at first is probed with at most three of its pings, and at once when it answers", () => {
  const path = new TestPath(0);
  for (let ping = 0; ping < 10; ping++) path.ping();
  assert.equal(path.probes.length, 3);
  path.width = 1_500;
  path.start();
  path.settle();
  assert.equal(path.mtu.confirmedBytes, CEILING_BYTES);
  assert.equal(path.probes.length, 4);
});

test("when large datagrams vanish the path falls back to the base at once, what is in flight is lost, and the search begins anew", () => {
  const path = new TestPath(1_500);
  path.start();
  path.width = 1_400;
  path.send([CEILING_BYTES, CEILING_BYTES, CEILING_BYTES, 100, CEILING_BYTES]);
  assert.equal(path.mtu.confirmedBytes, 1_200);
  assert.equal(path.sent.inFlightPackets, 0);
  path.settle();
  assert.equal(path.mtu.confirmedBytes + IP_UDP_BYTES, 1_400);
});

test("a false alarm costs one probe", () => {
  const path = new TestPath(1_500);
  path.start();
  path.width = 1_400;
  path.send([CEILING_BYTES, CEILING_BYTES, CEILING_BYTES, 100]);
  path.width = 1_500;
  path.settle();
  assert.equal(path.mtu.confirmedBytes, CEILING_BYTES);
  assert.equal(path.probes.length, 2);
});

test("a refusal by the own interface needs no proof", () => {
  const path = new TestPath(1_500);
  path.start();
  path.width = 1_400;
  path.mtu.onRefused(CEILING_BYTES, NO_SINK, micros(path.now));
  assert.equal(path.mtu.confirmedBytes, 1_200);
  path.settle((bytes) => path.mtu.onRefused(bytes, NO_SINK, micros(path.now)));
  assert.equal(path.mtu.confirmedBytes + IP_UDP_BYTES, 1_400);
  assert.equal(new Set(path.probes).size, path.probes.length, "no size is asked for twice");
});

test("a narrow path is asked again after one minute, then two, and at last every ten; a metered one every hour", () => {
  const path = new TestPath(1_400);
  path.start();
  path.settle();
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    const dueAt = path.mtu.dueAt(false);
    waits.push(Math.round((dueAt - path.now) / MINUTE_US));
    path.now = dueAt;
    path.settle();
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 10, 10]);
  assert.equal(Math.round((path.mtu.dueAt(true) - path.now) / MINUTE_US), 60);
});

test("a path that has become wider is used in full after the next raise", () => {
  const path = new TestPath(1_400);
  path.start();
  path.settle();
  path.width = 1_480;
  path.now = path.mtu.dueAt(false);
  path.settle();
  assert.equal(path.mtu.confirmedBytes + IP_UDP_BYTES, 1_480);
});

const NO_SINK: SentSink = { delivered: () => {}, lost: () => {}, restored: () => {}, forget: () => {} };

/** A link of a given IP MTU, with an ack of everything that passed after every call. */
class TestPath {
  width: number;
  /** So many of the next probes are lost by chance. */
  losses = 0;
  now = 1_000_000;
  readonly sent = new SentLedger();
  readonly mtu = new PathMtu(this.sent);
  readonly probes: number[] = [];
  readonly #arrived = new Set<number>();
  readonly #ack = new AckFrame();

  constructor(width: number) {
    this.width = width;
    this.mtu.begin(CEILING_BYTES, IP_UDP_BYTES, micros(this.now));
  }

  /** A ping of a path that does not answer yet, with its probe. */
  ping(): void {
    this.#probe(this.mtu.pollStart());
    assert.equal(this.mtu.pollStart(), 0, "one probe per ping");
    this.send([1]);
  }

  start(): void {
    this.ping();
    this.mtu.onRise();
  }

  /** Probes until the search ends. */
  settle(onTooLarge: (bytes: number) => void = () => {}): void {
    for (
      let bytes = this.mtu.poll(false, micros(this.now));
      bytes > 0;
      bytes = this.mtu.poll(false, micros(this.now))
    ) {
      this.#probe(bytes);
      if (bytes + IP_UDP_BYTES > this.width) onTooLarge(bytes);
      this.send([1]);
    }
  }

  /** Eliciting datagrams of these sizes; then the ack comes, and what is before an acknowledged one is lost. */
  send(sizes: readonly number[]): void {
    const first = this.sent.next;
    for (const bytes of sizes) {
      const index = this.sent.open();
      this.sent.bytes[index] = bytes + IP_UDP_BYTES;
      this.sent.slot[index] = -1;
      this.sent.state[index] = IN_FLIGHT;
      this.sent.inFlightPackets++;
      this.#leave(bytes);
    }
    this.#acknowledge(first);
  }

  #probe(bytes: number): void {
    if (bytes === 0) return;
    this.probes.push(bytes);
    const number = this.sent.next;
    this.sent.open();
    if (this.losses > 0) {
      this.losses--;
      this.sent.next++;
    } else this.#leave(bytes);
    this.mtu.onSent(number, 0, micros(this.now));
  }

  #leave(bytes: number): void {
    if (bytes + IP_UDP_BYTES <= this.width) this.#arrived.add(this.sent.next);
    this.sent.next++;
  }

  #acknowledge(first: number): void {
    this.now += 20_000;
    const largest = Math.max(0, ...this.#arrived);
    if (largest < first) return;
    let packetNumber = largest;
    let ranges = 0;
    for (; packetNumber > 0; ranges++) {
      const upper = packetNumber;
      while (this.#arrived.has(packetNumber)) packetNumber--;
      const below = packetNumber;
      while (packetNumber > 0 && !this.#arrived.has(packetNumber)) packetNumber--;
      this.#ack.runs[2 * ranges] = upper - below;
      this.#ack.runs[2 * ranges + 1] = below - packetNumber;
    }
    this.#ack.largest = largest;
    this.#ack.rangeCount = ranges;
    this.sent.applyAck(this.#ack, NO_SINK);
    this.mtu.onAck(this.#ack, micros(this.now));
    for (let n = first; n < largest; n++)
      if (this.sent.state[n & this.sent.mask] === IN_FLIGHT) this.sent.lose(n, NO_SINK);
    this.mtu.judge(NO_SINK, 0, micros(this.now));
  }
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { AckSpacer, type QueueDelays } from "./ack-spacer.ts";
import { QuicPacket } from "./quic-packet.ts";

const LANE = 7;
const QUICKEST_US = 20_000;
const EXCESS_US = 60_000;
const ROUND_US = QUICKEST_US + EXCESS_US;
const DATA_BYTES = 1_400;
const ACK_BYTES = 60;
const VERSION_1 = 1;
const VERSION_2 = 0x6b33_43cf;

test("a handshake of a known version proves QUIC, and both directions of a flow know each other", () => {
  const packet = new QuicPacket();
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  const read = (options: Partial<Header>): QuicPacket => {
    write(view, 0, { ...DATA, ...options });
    assert.ok(packet.read(view, 0, DATA_BYTES));
    return packet;
  };
  assert.equal(read({ first: 0xc3, version: VERSION_1 }).isHandshake, true);
  assert.equal(read({ first: 0xd0, version: VERSION_2 }).isHandshake, true);
  assert.equal(read({ first: 0xc3, version: 0x0a0a_0a0a }).isHandshake, false, "some other version");
  assert.equal(read({ first: 0x83, version: VERSION_1 }).isHandshake, false, "RTP and others have no fixed bit");
  assert.equal(read({ first: 0x40 }).isShort, true);
  const { flow } = read({});
  assert.equal(read({ isFromHost: false }).reverseFlow, flow);
  assert.notEqual(packet.flow, flow);
});

test("what is not UDP, or is cut short, is not read", () => {
  const packet = new QuicPacket();
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  write(view, 0, DATA);
  assert.equal(packet.read(view, 0, 32), false);
  view.setUint8(9, 6);
  assert.equal(packet.read(view, 0, DATA_BYTES), false);
});

test("while packets are late, at most seven acks of a round trip are handed over before newer ones, and none is lost", () => {
  const bench = create();
  bench.startUp();
  const rounds = 3;
  const acks = 100 * rounds;
  const { samples, handed } = bench.acknowledge(acks, (rounds * ROUND_US) / acks);
  assert.equal(new Set(handed).size, acks);
  assert.ok(samples > 2 * rounds && samples <= 7 * rounds, `${samples} in ${rounds} rounds`);
});

test("acks that waited leave at once, the newest first and the others in order", () => {
  const bench = create();
  bench.startUp();
  const { handed } = bench.acknowledge(12, 1_000);
  assert.deepEqual(handed.slice(0, 3), [0, 1, 11]);
  assert.deepEqual(handed.slice(3), [2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("what cannot be an ack does not wait, and takes along those that do", () => {
  const bench = create();
  bench.startUp();
  bench.acknowledge(5, 100, false);
  assert.equal(bench.spacer.hold(bench.ack(5, 400), micros(bench.now)), true);
  assert.deepEqual(bench.drain(), [5, 2, 3, 4]);
});

test("acks pass untouched over an idle bond, of a short flow, and of what has shown no handshake", () => {
  const idle = create();
  idle.delays.excess = 0;
  idle.send(1, true);
  idle.send(60, false);
  const short = create();
  short.send(20, true);
  const other = create();
  other.send(100, false);
  for (const bench of [idle, short, other]) {
    for (let n = 0; n < 20; n++) assert.equal(bench.spacer.hold(bench.ack(n), micros(bench.now)), false);
    assert.equal(bench.spacer.timeoutAt(), Number.POSITIVE_INFINITY);
  }
});

test("acks of a flow that is not small wait over an idle bond too: its hosts may be late", () => {
  const bench = create();
  bench.delays.excess = 0;
  bench.startUp();
  const { samples } = bench.acknowledge(100, QUICKEST_US / 100);
  assert.ok(samples > 2 && samples <= 7, `${samples} in a round`);
});

test("slow start may end when the queue fills every path, and does when the host stops growing", () => {
  const filled = create();
  filled.startUp();
  filled.acknowledge(5, 100, false);
  filled.delays.queue = 200_000;
  assert.equal(filled.spacer.hold(filled.ack(5), micros(filled.now)), true);
  assert.deepEqual(filled.drain(), [5, 2, 3, 4], "what waits goes with the next");
  const steady = create();
  steady.startUp();
  for (let round = 0; round < 10; round++) {
    steady.send(100, false);
    steady.acknowledge(10, ROUND_US / 10);
  }
  for (const bench of [filled, steady]) {
    for (let n = 10; n < 30; n++) assert.equal(bench.spacer.hold(bench.ack(n), micros(bench.now)), false);
  }
});

test("a flow that was idle is helped again, and another flow may take over its lane", () => {
  const bench = create();
  bench.startUp();
  bench.delays.queue = 200_000;
  bench.acknowledge(10, 100);
  bench.delays.queue = 0;
  bench.now += 2_000_000;
  bench.send(1, false);
  bench.acknowledge(3, 100, false);
  assert.equal(bench.spacer.hold(bench.ack(3), micros(bench.now)), true);
  bench.now += 2_000_000;
  bench.drain();
  bench.port = 5_000;
  bench.startUp();
  bench.acknowledge(3, 100, false);
  assert.equal(bench.spacer.hold(bench.ack(3), micros(bench.now)), true);
});

test("memory for held acks is bounded, and comes back", () => {
  const bench = create();
  bench.startUp();
  for (let n = 0; n < 1_000; n++) {
    if (!bench.spacer.hold(bench.ack(n), micros(bench.now))) bench.pool.free(bench.last);
    bench.drain();
  }
  assert.ok(bench.pool.slots - bench.pool.freeSlots <= 128);
  bench.spacer.clear();
  assert.equal(bench.pool.freeSlots, bench.pool.slots);
});

interface Header {
  readonly isFromHost: boolean;
  readonly port: number;
  readonly first: number;
  readonly version: number;
  /** Stands where the ciphertext begins. */
  readonly mark: number;
}

const DATA: Header = { isFromHost: true, port: 4_433, first: 0x40, version: 0, mark: 0 };
const MARK = 40;

function write(view: DataView, offset: number, { isFromHost, port, first, version, mark }: Header): void {
  view.setUint8(offset, 0x45);
  view.setUint8(offset + 9, 17);
  view.setUint32(offset + 12, isFromHost ? 1 : 2);
  view.setUint32(offset + 16, isFromHost ? 2 : 1);
  view.setUint16(offset + 20, isFromHost ? port : 50_000);
  view.setUint16(offset + 22, isFromHost ? 50_000 : port);
  view.setUint8(offset + 28, first);
  view.setUint32(offset + 29, version);
  view.setUint32(offset + MARK, mark);
}

class Bench {
  readonly pool = new PacketPool(new Arena(2_000_000), { slots: 512 });
  readonly delays = { queue: 0, excess: EXCESS_US };
  readonly spacer: AckSpacer;
  now = 1_000_000;
  port = DATA.port;
  last = -1 as Slot;

  constructor() {
    const { delays } = this;
    const queueDelays: QueueDelays = {
      referenceUs: 60_000,
      quickestUs: QUICKEST_US,
      leadUs: 20_000,
      queueUs: () => delays.queue,
      excessUs: () => delays.excess,
    };
    this.spacer = new AckSpacer(this.pool, queueDelays);
  }

  /** A handshake, and more than most flows send. */
  startUp(): void {
    this.send(1, true);
    this.send(100, false);
  }

  send(packets: number, isHandshake: boolean): void {
    const slot = this.pool.alloc();
    const offset = this.pool.packetOffset(slot);
    for (let n = 0; n < packets; n++) {
      const form = isHandshake ? { first: 0xc0, version: VERSION_1 } : {};
      write(this.pool.arena.view, offset, { ...DATA, port: this.port, ...form });
      this.spacer.noteData(LANE, offset, DATA_BYTES, micros(this.now));
    }
    this.pool.free(slot);
  }

  ack(mark: number, bytes = ACK_BYTES): Slot {
    const slot = this.pool.alloc();
    write(this.pool.arena.view, this.pool.packetOffset(slot), { ...DATA, port: this.port, isFromHost: false, mark });
    this.pool.lane[slot] = LANE;
    this.pool.length[slot] = bytes;
    this.last = slot;
    return slot;
  }

  /** So many acks, so far apart. Returns the marks of what was handed over, and how many were newer than all before. */
  acknowledge(acks: number, intervalUs: number, isDrained = true): { samples: number; handed: number[] } {
    const handed: number[] = [];
    for (let n = 0; n < acks; n++) {
      handed.push(...this.drain());
      if (!this.spacer.hold(this.ack(n), micros(this.now))) handed.push(this.#give(this.last));
      this.now += intervalUs;
    }
    if (isDrained) this.now = Math.max(this.now, Math.min(this.spacer.timeoutAt(), this.now + ROUND_US));
    if (isDrained) handed.push(...this.drain());
    const samples = handed.filter((mark, i) => handed.slice(0, i).every((earlier) => earlier < mark)).length;
    return { samples, handed };
  }

  /** Marks of what is due. */
  drain(): number[] {
    const marks: number[] = [];
    for (let slot = this.spacer.poll(micros(this.now)); slot >= 0; slot = this.spacer.poll(micros(this.now))) {
      marks.push(this.#give(slot));
    }
    return marks;
  }

  #give(slot: Slot): number {
    const mark = this.pool.arena.view.getUint32(this.pool.packetOffset(slot) + MARK);
    this.pool.free(slot);
    return mark;
  }
}

function create(): Bench {
  return new Bench();
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { AckShaper, type BondDelays } from "./ack-shaper.ts";
import { FlowWatch } from "./flow-watch.ts";
import { FLOOR_SHARE } from "./handshake-hold.ts";
import { TcpPacket } from "./tcp-packet.ts";

const LANE = 7;
const MSS = 1_400;
const RTT_US = 40_000;
const ACK = 0x10;
const SYN = 0x02;
const FIN = 0x01;

test("a plain ack is told from one that carries news", () => {
  const view = new DataView(new ArrayBuffer(200));
  const packet = new TcpPacket();
  const isPlain = (options: Partial<Header>): boolean => {
    const length = writeTcp(view, 0, { ...ACK_HEADER, ...options });
    assert.ok(packet.read(view, 0, length));
    return packet.isPlainAck;
  };
  assert.equal(isPlain({}), true);
  assert.equal(isPlain({ flags: ACK | SYN }), false);
  assert.equal(isPlain({ flags: ACK | FIN }), false);
  assert.equal(isPlain({ payloadBytes: 1 }), false);
  assert.equal(isPlain({ optionBytes: 24 }), false, "SACK blocks");
});

test("an ack names the flow whose data it acknowledges", () => {
  const view = new DataView(new ArrayBuffer(200));
  const data = new TcpPacket();
  const ack = new TcpPacket();
  assert.ok(data.read(view, 0, writeTcp(view, 0, { ...ACK_HEADER, isData: true, payloadBytes: 10 })));
  assert.ok(ack.read(view, 0, writeTcp(view, 0, ACK_HEADER)));
  assert.equal(ack.reverseFlow, data.flow);
  assert.notEqual(ack.flow, data.flow);
});

test("what is not TCP, or is cut short, is not read", () => {
  const view = new DataView(new ArrayBuffer(200));
  const length = writeTcp(view, 0, ACK_HEADER);
  const packet = new TcpPacket();
  assert.equal(packet.read(view, 0, 39), false);
  view.setUint8(9, 17);
  assert.equal(packet.read(view, 0, length), false);
});

test("the round trip is that of the newest data an ack covers, also across the end of 32 bits", () => {
  const watch = new FlowWatch(1, 0xffff_0000);
  for (let n = 1; n <= 100; n++) watch.noteData((0xffff_0000 + n * MSS) >>> 0, MSS, n * 100);
  assert.equal(watch.outstandingBytes, 100 * MSS);
  const enteredAt = watch.noteAck((0xffff_0000 + 100 * MSS) >>> 0, 50_000);
  assert.ok(enteredAt > 9_000 && enteredAt <= 10_000, `entered at ${enteredAt}`);
  assert.ok(Math.abs(watch.roundTripUs - (50_000 - enteredAt)) < 1);
  assert.equal(watch.outstandingBytes, 0);
  assert.equal(watch.noteAck((0xffff_0000 + 100 * MSS) >>> 0, 60_000), -1);
});

test("retransmitted data is no new data", () => {
  const watch = new FlowWatch(1, 0);
  watch.noteData(50_000, 50_000, 10);
  watch.noteData(20_000, MSS, 20);
  assert.equal(watch.outstandingBytes, 50_000);
});

test("a short flow's acks pass untouched", () => {
  const { shaper, ack, send } = create();
  send(0, 20_000, 0);
  assert.equal(shaper.hold(ack(20_000), micros(RTT_US)), false);
});

test("a big flow's acks are thinned to fewer than eight per round trip, and the newest number gets through", () => {
  const { shaper, ack, send, drain } = create();
  send(0, 200_000, 0);
  const passed: number[] = [];
  const emitted: number[] = [];
  for (let n = 1; n <= 100; n++) {
    const now = RTT_US + n * 400;
    const slot = ack(n * 2_000);
    if (!shaper.hold(slot, micros(now))) {
      passed.push(n * 2_000);
      emitted.push(now);
    }
    for (const number of drain(now)) {
      passed.push(number);
      emitted.push(now);
    }
  }
  const last = RTT_US + 200_000;
  passed.push(...drain(last));
  assert.ok(emitted.length <= 8, `${emitted.length} acks in one round trip`);
  assert.ok(emitted.length >= 3);
  assert.equal(passed.at(-1), 200_000);
  assert.deepEqual(
    passed,
    passed.toSorted((a, b) => a - b),
  );
});

test("the acks of one window go as one in slow start, if there are quick paths and slow ones", () => {
  assert.ok(longestSilenceUs(0.5) > 2 * RTT_US, `${longestSilenceUs(0.5)} µs`);
  assert.ok(longestSilenceUs(1) < 1.5 * RTT_US, "all paths are quick");
  assert.ok(longestSilenceUs(0) < 1.5 * RTT_US, "for loss, no path counts as quick");
});

/** Of a host in slow start over a bond whose quick paths, or all, carry 5 bytes per µs. */
function longestSilenceUs(nearShare: number): number {
  const { shaper, ack, send, drain, pool } = create({ ...DELAYS, referenceUs: 3 * RTT_US, nearShare, capacity: 10 });
  const arrivals: { number: number; at: number }[] = [];
  let [sent, acked, windowBytes, freeAt, lastAt, silenceUs] = [0, 0, 10_000, 0, 0, 0];
  for (let now = 0; now < 12 * RTT_US; now += 100) {
    while (sent - acked < windowBytes) {
      send(sent, sent + 1_000, now);
      sent += 1_000;
      freeAt = Math.max(now, freeAt) + 200;
      arrivals.push({ number: sent, at: freeAt + RTT_US });
    }
    const passed = drain(now);
    while (arrivals.length > 0 && arrivals[0]!.at <= now) {
      const { number } = arrivals.shift()!;
      const slot = ack(number);
      if (shaper.hold(slot, micros(now))) continue;
      pool.free(slot);
      passed.push(number);
    }
    if (passed.length === 0) continue;
    windowBytes = Math.min(700_000, windowBytes + passed.at(-1)! - acked);
    acked = passed.at(-1)!;
    silenceUs = Math.max(silenceUs, now - lastAt);
    lastAt = now;
  }
  return silenceUs;
}

test("a host that paces waits for the slowest path, but no longer than the near ones take for what is under way", () => {
  // The window of 200,000 bytes is 200 ms for a slow near path, 20 ms for a quick one.
  for (const [nearRate, floorUs] of [
    [1, 3 * RTT_US],
    [10, 20_000],
  ] as const) {
    const everyUs = nearRate === 1 ? 800 : 200;
    const delays = { ...DELAYS, referenceUs: 3 * RTT_US, nearShare: 0.5, nearRate: () => nearRate };
    const { shaper, ack, send, drain, floors, pool } = create(delays);
    const arrivals: { number: number; at: number }[] = [];
    let [sent, acked] = [0, 0];
    for (let now = 0; now < 80 * RTT_US; now += everyUs) {
      if (sent - acked < 200_000) {
        send(sent, sent + 1_000, now);
        sent += 1_000;
        arrivals.push({ number: sent, at: now + RTT_US });
      }
      while (arrivals.length > 0 && arrivals[0]!.at <= now) {
        const { number } = arrivals.shift()!;
        const slot = ack(number);
        if (shaper.hold(slot, micros(now))) continue;
        pool.free(slot);
        acked = number;
      }
      acked = drain(now).at(-1) ?? acked;
    }
    assert.ok(Math.abs(floors.at(-1)! - floorUs) <= 0.15 * floorUs, `floor of ${floors.at(-1)} µs, rate ${nearRate}`);
  }
});

test("acks of a flow's first flight pass untouched", () => {
  const { shaper, ack, send } = create();
  send(0, 30_000, 0);
  for (let n = 1; n <= 5; n++) assert.equal(shaper.hold(ack(n * 2_000), micros(RTT_US + n * 100)), false);
});

test("no ack of a flow's start shows a round trip that the path does not have under load", () => {
  const { shaper, ack, send, drain } = create({ ...DELAYS, loadedUs: (1.5 / FLOOR_SHARE) * RTT_US });
  send(0, 37, 0);
  assert.equal(shaper.hold(ack(37), micros(RTT_US / 2)), true);
  send(37, 4_000, 0);
  assert.equal(shaper.hold(ack(4_000), micros(RTT_US)), true);
  assert.deepEqual(drain(1.5 * RTT_US - 1), []);
  assert.deepEqual(drain(1.5 * RTT_US), [4_000]);
  send(4_000, 6_000, 2 * RTT_US);
  assert.equal(shaper.hold(ack(6_000), micros(4 * RTT_US)), false);
});

test("a host that was seen to measure its round trip finds the floor from then on", () => {
  const { shaper, ack, send, drain, floors } = create();
  send(0, 400_000, 0);
  shaper.hold(ack(400_000), micros(4 * RTT_US));
  drain(20 * RTT_US);
  let at = 20 * RTT_US;
  let sent = 400_000;
  for (let n = 0; n < 4; n++, at += 2 * RTT_US) {
    if (n < 2) assert.equal(floors.at(-1), 0, "a short lull");
    send(sent, sent + 4_000, at);
    sent += 4_000;
    assert.equal(shaper.hold(ack(sent - 1_000), micros(at + 1_000)), true);
    drain(at + 2 * RTT_US - 1);
  }
  send(sent, sent + 200_000, at);
  assert.equal(shaper.hold(ack(sent + 200_000), micros(at + 1_000)), true);
  assert.ok(!drain(at + RTT_US / 2).includes(sent + 200_000));
  assert.deepEqual(drain(at + 3 * RTT_US), [sent + 200_000]);
});

test("an ack with news takes the held ones with it, in order", () => {
  const { shaper, ack, send, drain } = create();
  send(0, 200_000, 0);
  const held: number[] = [];
  for (const number of [20_000, 40_000, 60_000]) if (shaper.hold(ack(number), micros(RTT_US))) held.push(number);
  assert.ok(held.length > 0);
  const news = ack(80_000, { flags: ACK | FIN });
  assert.equal(shaper.hold(news, micros(RTT_US)), true);
  assert.deepEqual(drain(RTT_US).at(-1), 80_000);
  assert.equal(shaper.timeoutAt(), Number.POSITIVE_INFINITY);
});

test("another flow of the same lane is left alone", () => {
  const { shaper, ack, send } = create();
  send(0, 200_000, 0);
  shaper.hold(ack(10_000), micros(RTT_US));
  for (const number of [20_000, 30_000]) assert.equal(shaper.hold(ack(number, { port: 9 }), micros(RTT_US)), false);
});

test("every held buffer goes back to the pool", () => {
  const { shaper, ack, send, pool } = create();
  send(0, 200_000, 0);
  let passed = 0;
  for (let n = 1; n <= 50; n++) if (!shaper.hold(ack(n * 4_000), micros(RTT_US))) passed++;
  shaper.clear();
  assert.equal(pool.freeSlots + passed, pool.slots);
});

interface Header {
  isData: boolean;
  port: number;
  sequence: number;
  acknowledgement: number;
  flags: number;
  payloadBytes: number;
  optionBytes: number;
}

const ACK_HEADER: Header = {
  isData: false,
  port: 5_000,
  sequence: 0,
  acknowledgement: 0,
  flags: ACK,
  payloadBytes: 0,
  optionBytes: 12,
};

/** Writes an IPv4 TCP packet, data from port to 443 or an ack back, and returns its length. */
function writeTcp(view: DataView, offset: number, header: Header): number {
  const length = 40 + header.optionBytes + header.payloadBytes;
  view.setUint32(offset, 0x4500_0000 + length);
  view.setUint32(offset + 8, 0x4006_0000);
  view.setUint32(offset + 12, header.isData ? 0x0a00_0001 : 0x0a00_0002);
  view.setUint32(offset + 16, header.isData ? 0x0a00_0002 : 0x0a00_0001);
  view.setUint16(offset + 20, header.isData ? header.port : 443);
  view.setUint16(offset + 22, header.isData ? 443 : header.port);
  view.setUint32(offset + 24, header.sequence);
  view.setUint32(offset + 28, header.acknowledgement);
  view.setUint8(offset + 32, ((20 + header.optionBytes) / 4) << 4);
  view.setUint8(offset + 33, header.flags);
  return length;
}

const DELAYS: BondDelays = {
  referenceUs: RTT_US,
  quickestUs: RTT_US,
  loadedUs: RTT_US,
  nearShare: 1,
  capacity: 1,
  nearRate: () => 1,
  leadUs: 0,
  sojournUs: () => 0,
  noteFloor: () => undefined,
};

function create(delays: BondDelays = DELAYS) {
  const floors: number[] = [0];
  const noteFloor = (_: number, floorUs: number): void => {
    floors.push(floorUs);
  };
  const pool = new PacketPool(new Arena(1 << 21), { slots: 256 });
  const { view } = pool.arena;
  const shaper = new AckShaper(pool, { ...delays, noteFloor });
  const scratch = pool.scratchOffset;
  const incoming = new TcpPacket();
  /** Data of the sequence numbers from `from` to `to` comes in. */
  const send = (from: number, to: number, now: number): void => {
    for (let sequence = from; sequence < to; sequence += 1_000) {
      const length = writeTcp(view, scratch, {
        ...ACK_HEADER,
        isData: true,
        sequence,
        payloadBytes: Math.min(1_000, to - sequence),
      });
      assert.ok(incoming.read(view, scratch, length));
      shaper.noteData(LANE, incoming, micros(now));
    }
  };
  const ack = (acknowledgement: number, options: Partial<Header> = {}): Slot => {
    const slot = pool.alloc();
    pool.lane[slot] = LANE;
    pool.length[slot] = writeTcp(view, pool.packetOffset(slot), { ...ACK_HEADER, acknowledgement, ...options });
    return slot;
  };
  /** Acknowledgement numbers of the held packets that are due. */
  const drain = (now: number): number[] => {
    const numbers: number[] = [];
    for (let slot = shaper.poll(micros(now)); slot >= 0; slot = shaper.poll(micros(now))) {
      numbers.push(view.getUint32(pool.packetOffset(slot) + 28));
      pool.free(slot);
    }
    return numbers;
  };
  return { pool, shaper, send, ack, drain, floors };
}

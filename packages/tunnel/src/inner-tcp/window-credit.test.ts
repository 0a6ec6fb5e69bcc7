import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "../arena.ts";
import { PacketPool, SLOT_CHECKSUM_PARTIAL } from "../packet-pool.ts";
import { micros } from "../test-support.ts";
import { Handshakes } from "./handshakes.ts";
import { TcpPacket } from "./tcp-packet.ts";
import { type LaneQueues, WindowCredit } from "./window-credit.ts";

const LANE = 7;
const CREDIT_BYTES = 500_000;
const HOST_US = 3_000;
const SMALLEST_BYTES = 65_535;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
// Options, padded with NOPs.
const SACK_PERMITTED = [4, 2];
const SACK_BLOCK = [1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 10];
const scale = (shift: number): number[] => [3, 3, shift];

test("a window ends where the queue has what keeps all paths busy", () => {
  const host = connect();
  host.send(300_000);
  host.queuedBytes = 200_000;
  assert.equal(host.windowOf(100_000, 3_000_000), floorTo(128, 200_000 + CREDIT_BYTES - 200_000));
});

test("a window is the receiver's own where that is smaller, or closed", () => {
  const host = connect();
  host.send(300_000);
  assert.equal(host.windowOf(100_000, 128_000), 128_000);
  assert.equal(host.windowOf(200_000, 0), 0);
});

test("a host with nothing under way may send, however long the queue is", () => {
  const host = connect();
  host.queuedBytes = 10 * CREDIT_BYTES;
  let acknowledged = 0;
  for (let n = 0; n < 20; n++) {
    host.send(50_000);
    acknowledged += 50_000;
    assert.ok(host.windowOf(acknowledged, 3_000_000) >= floorTo(128, SMALLEST_BYTES));
  }
});

for (const shift of [0, 7, 11]) {
  for (const start of [0, 0xffff_0000]) {
    test(`the right edge never moves back: scale ${shift}, from ${start}`, () => {
      const host = connect({ shift, start });
      const receiverBytes = 65_535 * 2 ** shift;
      let edge = SMALLEST_BYTES;
      let acknowledged = 0;
      for (let n = 0; n < 2_000; n++) {
        host.send(1_000 + (n % 7) * 301);
        host.queuedBytes = Math.abs(Math.sin(n / 50)) * 2 * CREDIT_BYTES;
        acknowledged = Math.min(host.sentBytes, acknowledged + 1_000 + (n % 3) * 701);
        const next = acknowledged + host.windowOf(acknowledged, receiverBytes);
        assert.ok(next >= edge, `ack ${n}: ${next} < ${edge}`);
        edge = next;
      }
    });
  }
}

test("a window that was promised by a packet too big for an ack is kept", () => {
  const host = connect();
  host.send(1_000);
  assert.equal(host.windowOf(500, 2_000_000, { payloadBytes: 1_000 }), floorTo(128, 2_000_000));
  host.send(200_000);
  const edge = 1_000 + host.windowOf(1_000, 2_000_000);
  assert.ok(edge >= 500 + floorTo(128, 2_000_000));
  assert.ok(100_000 + host.windowOf(100_000, 2_000_000) < edge + 128, "and goes no further");
});

test("acks with SACK blocks, data or FIN are bounded as well; RST is left alone", () => {
  for (const options of [{ options: SACK_BLOCK }, { payloadBytes: 500 }, { flags: ACK | FIN }]) {
    const host = connect();
    host.send(300_000);
    assert.equal(host.windowOf(100_000, 3_000_000, options), floorTo(128, 200_000 + CREDIT_BYTES));
  }
  const host = connect();
  host.send(300_000);
  assert.equal(host.windowOf(100_000, 3_000_000, { flags: ACK | RST }), floorTo(128, 3_000_000));
});

test("SYN segments are never changed", () => {
  const host = connect();
  host.send(300_000);
  assert.equal(host.fieldOf(100_000, 0xffff, { flags: ACK | SYN, options: scale(7) }), 0xffff);
});

for (const isV6 of [false, true]) {
  test(`the checksum follows the window, and a partial one has none to follow: IPv${isV6 ? 6 : 4}`, () => {
    const host = connect({ isV6 });
    host.send(300_000);
    for (let n = 1; n <= 200; n++) {
      const { offset, length } = host.receive(n * 1_000, 3_000_000);
      assert.equal(transportSum(host.view, offset, length, isV6), 0xffff);
    }
    const { offset } = host.receive(250_000, 3_000_000, { flags: ACK, isPartial: true });
    assert.equal(host.view.getUint16(offset + (isV6 ? 40 : 20) + 16), PARTIAL_SUM);
    assert.notEqual(host.view.getUint16(offset + (isV6 ? 40 : 20) + 14), 3_000_000 >> 7);
  });
}

test("windows are scaled only if both sides offered it", () => {
  const host = connect({ hostOptions: SACK_PERMITTED });
  host.send(100_000);
  host.queuedBytes = CREDIT_BYTES;
  assert.equal(host.fieldOf(50_000, 0xffff), 0xffff, "the smallest window is the largest without a scale");
});

for (const [name, options] of [
  ["without SACK", { peerOptions: scale(7) }],
  ["signed by MD5", { peerOptions: [...SACK_PERMITTED, ...scale(7), 19, 18, ...new Array<number>(16).fill(0)] }],
  ["signed by AO", { hostOptions: [...SACK_PERMITTED, ...scale(7), 29, 4, 0, 0] }],
  ["of MPTCP", { hostOptions: [...SACK_PERMITTED, ...scale(7), 30, 4, 0, 0] }],
  ["with a scale of 14", { shift: 14 }],
  ["seen midway", { isSeen: false }],
] as const) {
  test(`a flow ${name} is left alone`, () => {
    const host = connect(options);
    host.send(300_000);
    assert.equal(host.fieldOf(100_000, 0x7fff), 0x7fff);
    assert.equal(host.isCredited, false);
  });
}

test("a flow that shares its lane with another big one is left alone until it has it for itself", () => {
  const host = connect();
  host.send(300_000);
  host.windowOf(100_000, 3_000_000);
  assert.equal(host.isCredited, true);
  host.credit.noteOther(LANE, SMALLEST_BYTES, host.now());
  assert.equal(host.isCredited, false);
  assert.equal(host.windowOf(110_000, 3_000_000), floorTo(128, 3_000_000));
  host.time += 2e6;
  host.windowOf(200_000, 3_000_000);
  assert.equal(host.isCredited, true);
});

test("a small flow in the lane, such as a handshake, changes nothing", () => {
  const host = connect();
  host.send(300_000);
  host.credit.noteOther(LANE, 60, host.now());
  assert.equal(host.windowOf(100_000, 3_000_000), floorTo(128, 200_000 + CREDIT_BYTES));
});

test("the credit covers what is on its way from a host far away", () => {
  const host = connect();
  host.send(300_000);
  host.windowOf(100_000, 3_000_000);
  assert.equal(host.askedHostUs, HOST_US);
});

interface Options {
  shift?: number;
  start?: number;
  isV6?: boolean;
  hostOptions?: readonly number[];
  peerOptions?: readonly number[];
  isSeen?: boolean;
}

interface Header {
  sequence: number;
  acknowledgement: number;
  window: number;
  flags: number;
  payloadBytes: number;
  options: readonly number[];
  isPartial: boolean;
}

const HEADER: Header = {
  sequence: 0,
  acknowledgement: 0,
  window: 0,
  flags: ACK,
  payloadBytes: 0,
  options: [],
  isPartial: false,
};
const PARTIAL_SUM = 0x1234;

/** A host that has opened a connection through the bond. Sequence numbers of its data count from the first byte. */
function connect(options: Options = {}) {
  const { shift = 7, start = 0, isV6 = false, isSeen = true } = options;
  const peerOptions = options.peerOptions ?? [...SACK_PERMITTED, ...scale(shift)];
  const hostOptions = options.hostOptions ?? [...SACK_PERMITTED, ...scale(3)];
  const pool = new PacketPool(new Arena(1 << 20), { slots: 64 });
  const { view } = pool.arena;
  const incoming = new TcpPacket();
  const slot = pool.alloc();
  pool.lane[slot] = LANE;
  const offset = pool.packetOffset(slot);
  const fromHost = (header: Partial<Header>): void => {
    const length = writeTcp(view, pool.scratchOffset, { ...HEADER, ...header }, true, isV6);
    assert.ok(incoming.read(view, pool.scratchOffset, length));
    credit.noteData(LANE, incoming, length, micros(state.time));
  };
  const toHost = (header: Partial<Header>): number => {
    pool.length[slot] = writeTcp(view, offset, { ...HEADER, ...header }, false, isV6);
    pool.flags[slot] = header.isPartial ? SLOT_CHECKSUM_PARTIAL : 0;
    credit.rewrite(slot, micros(state.time));
    return pool.length[slot]!;
  };
  const state = { time: 1e6, sentBytes: 0, queuedBytes: 0, isCredited: false, askedHostUs: 0 };
  const queues: LaneQueues = {
    creditBytes: (_, hostUs) => {
      state.askedHostUs = hostUs;
      return CREDIT_BYTES;
    },
    queuedBytes: () => state.queuedBytes,
    noteCredit: (_, isCredited) => {
      state.isCredited = isCredited;
    },
  };
  const credit = new WindowCredit(pool, queues, new Handshakes());
  /** An ack for so many bytes goes to the host. */
  const receive = (acknowledged: number, windowBytes: number, header: Partial<Header> = {}) => {
    const acknowledgement = (start + acknowledged) >>> 0;
    const length = toHost({ acknowledgement, window: windowBytes >> shift, ...header });
    return { offset, length };
  };
  const host = Object.assign(state, {
    view,
    credit,
    now: () => micros(state.time),
    send: (bytes: number): void => {
      for (let left = bytes; left > 0; left -= 1_000) {
        const payloadBytes = Math.min(1_000, left);
        fromHost({ sequence: (start + state.sentBytes) >>> 0, payloadBytes });
        state.sentBytes += payloadBytes;
      }
    },
    receive,
    windowOf: (acknowledged: number, windowBytes: number, header: Partial<Header> = {}): number => {
      receive(acknowledged, windowBytes, header);
      return view.getUint16(offset + (isV6 ? 40 : 20) + 14) * 2 ** shift;
    },
    fieldOf: (acknowledged: number, window: number, header: Partial<Header> = {}): number => {
      receive(acknowledged, 0, { window, ...header });
      return view.getUint16(offset + (isV6 ? 40 : 20) + 14);
    },
  });
  if (isSeen) {
    fromHost({ flags: SYN, sequence: (start - 1) >>> 0, options: hostOptions });
    toHost({ flags: SYN | ACK, acknowledgement: start, window: 0xffff, options: peerOptions });
  }
  state.time += HOST_US;
  fromHost({ sequence: start });
  return host;
}

/** Writes a packet from the host (10.0.0.1 or ::1, port 5000) or to it, with its checksum, and returns its length. */
function writeTcp(view: DataView, at: number, header: Header, isFromHost: boolean, isV6: boolean): number {
  const optionBytes = Math.ceil(header.options.length / 4) * 4;
  const tcpBytes = 20 + optionBytes + header.payloadBytes;
  const tcp = at + (isV6 ? 40 : 20);
  for (let i = at; i < tcp + tcpBytes; i++) view.setUint8(i, 0);
  view.setUint32(at, isV6 ? 0x6000_0000 : 0x4500_0000 + 20 + tcpBytes);
  if (isV6) view.setUint32(at + 4, (tcpBytes << 16) + 0x0640);
  else view.setUint32(at + 8, 0x4006_0000);
  view.setUint8(tcp - (isV6 ? 17 : 5), isFromHost ? 1 : 2);
  view.setUint8(tcp - 1, isFromHost ? 2 : 1);
  view.setUint16(tcp, isFromHost ? 5_000 : 443);
  view.setUint16(tcp + 2, isFromHost ? 443 : 5_000);
  view.setUint32(tcp + 4, header.sequence);
  view.setUint32(tcp + 8, header.acknowledgement);
  view.setUint16(tcp + 12, ((20 + optionBytes) << 10) + header.flags);
  view.setUint16(tcp + 14, header.window);
  for (let i = 0; i < optionBytes; i++) view.setUint8(tcp + 20 + i, header.options[i] ?? 1);
  const length = tcp + tcpBytes - at;
  view.setUint16(tcp + 16, header.isPartial ? PARTIAL_SUM : ~transportSum(view, at, length, isV6) & 0xffff);
  return length;
}

/** One's complement sum of the segment and its pseudo header: 0xffff if its checksum is right. RFC 9293 §3.1. */
function transportSum(view: DataView, at: number, length: number, isV6: boolean): number {
  const tcp = at + (isV6 ? 40 : 20);
  let sum = 6 + at + length - tcp;
  for (let i = isV6 ? at + 8 : at + 12; i < at + length; i += 2)
    sum += i + 1 < at + length ? view.getUint16(i) : view.getUint8(i) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function floorTo(grainBytes: number, bytes: number): number {
  return Math.floor(bytes / grainBytes) * grainBytes;
}

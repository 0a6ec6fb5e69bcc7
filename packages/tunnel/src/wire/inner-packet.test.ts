import assert from "node:assert/strict";
import { test } from "node:test";
import { InnerClassifier } from "./inner-packet.ts";

const TCP = 6;
const UDP = 17;
const ICMP = 1;

test("both directions of a flow get the same lane, other flows mostly another", () => {
  const lanes = new Set<number>();
  for (let port = 1_000; port < 1_100; port++) {
    const there = classify(v4({ protocol: TCP, source: 1, destination: 2, ports: [port, 443] }));
    const back = classify(v4({ protocol: TCP, source: 2, destination: 1, ports: [443, port] }));
    assert.equal(there.lane, back.lane);
    lanes.add(there.lane);
  }
  assert.ok(lanes.size > 60, `100 flows share ${lanes.size} lanes`);
});

test("IPv6 flows get lanes by addresses and ports too, behind extension headers", () => {
  const plain = classify(v6({ next: UDP, ports: [5_000, 6_000] }));
  const back = classify(v6({ next: UDP, ports: [6_000, 5_000], isReversed: true }));
  const extended = classify(v6({ next: 0, extension: UDP, ports: [5_000, 6_000] }));
  assert.equal(plain.lane, back.lane);
  assert.equal(extended.protocol, UDP);
});

test("all fragments of a datagram share a lane, whatever stands where the ports would be", () => {
  const first = classify(v4({ protocol: UDP, ports: [7, 8], fragment: 0x2000 }));
  const second = classify(v4({ protocol: UDP, ports: [0xabcd, 0x1234], fragment: 0x0010 }));
  assert.equal(first.lane, second.lane);
});

test("a ping is unordered and never shares a lane with a flow that has ports", () => {
  const ping = classify(v4({ protocol: ICMP, ports: [0x0800, 1] }));
  assert.ok(ping.unordered);
  assert.ok(ping.lane >= 240);
  for (let port = 0; port < 500; port++) assert.ok(classify(v4({ protocol: UDP, ports: [port, 53] })).lane < 240);
});

test("a ping too large for half a datagram keeps its order, because it may be split", () => {
  assert.equal(classify(v4({ protocol: ICMP, ports: [0x0800, 1], length: 1_400 })).unordered, false);
});

test("small urgent datagrams are unordered, all other UDP is ordered", () => {
  const isUnordered = (packet: { dscp: number; length?: number; protocol?: number }) =>
    classify(v4({ protocol: UDP, ports: [1, 2], ...packet })).unordered;
  assert.equal(isUnordered({ dscp: 46 }), true);
  assert.equal(isUnordered({ dscp: 46, length: 1_200 }), false);
  assert.equal(isUnordered({ dscp: 34 }), false);
  assert.equal(isUnordered({ dscp: 0 }), false);
  assert.equal(isUnordered({ dscp: 46, protocol: TCP }), false);
});

test("marked packets get the class that RFC 4594 and RFC 8622 ask for", () => {
  const classOf = (dscp: number) => classify(v4({ protocol: UDP, ports: [1, 2], dscp })).trafficClass;
  assert.deepEqual([46, 48, 34, 0, 10, 8, 1].map(classOf), [
    "critical",
    "critical",
    "interactive",
    "bulk",
    "bulk",
    "background",
    "background",
  ]);
});

test("what is not an IP packet, or cut short, is refused", () => {
  const classifier = new InnerClassifier(0);
  const view = v4({ protocol: TCP, ports: [1, 2] });
  assert.equal(classifier.read(view, 0, 19), false);
  view.setUint8(0, 0x4f);
  assert.equal(classifier.read(view, 0, 40), false);
  view.setUint8(0, 0x65);
  assert.equal(classifier.read(view, 0, 39), false);
  view.setUint8(0, 0x05);
  assert.equal(classifier.read(view, 0, 200), false);
});

function classify(view: DataView): InnerClassifier {
  const classifier = new InnerClassifier(0x1234_5678);
  assert.ok(classifier.read(view, 0, view.byteLength));
  return classifier;
}

interface V4 {
  protocol: number;
  ports: [number, number];
  source?: number;
  destination?: number;
  dscp?: number;
  fragment?: number;
  length?: number;
}

function v4({ protocol, ports, source = 1, destination = 2, dscp = 0, fragment = 0, length = 84 }: V4): DataView {
  const view = new DataView(new ArrayBuffer(length));
  view.setUint8(0, 0x45);
  view.setUint8(1, dscp << 2);
  view.setUint16(6, fragment);
  view.setUint8(9, protocol);
  view.setUint32(12, 0x0a00_0000 + source);
  view.setUint32(16, 0x0a00_0000 + destination);
  view.setUint16(20, ports[0]);
  view.setUint16(22, ports[1]);
  return view;
}

function v6(options: { next: number; extension?: number; ports: [number, number]; isReversed?: boolean }): DataView {
  const view = new DataView(new ArrayBuffer(100));
  view.setUint8(0, 0x60);
  view.setUint8(6, options.next);
  view.setUint8(options.isReversed ? 39 : 23, 1);
  view.setUint8(options.isReversed ? 23 : 39, 2);
  const transport = options.extension === undefined ? 40 : 48;
  if (options.extension !== undefined) view.setUint8(40, options.extension);
  view.setUint16(transport, options.ports[0]);
  view.setUint16(transport + 2, options.ports[1]);
  return view;
}

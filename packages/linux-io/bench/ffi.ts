/**
 * Nanoseconds of what the dataplane does per packet: AEAD, copies, clock, cutting, joining, checksums.
 * Run: node packages/linux-io/bench/ffi.ts. The best of several rounds, since other processes only ever add time.
 */

import { sumBytes } from "../src/checksum.ts";
import { arenaOf, Coalescer, createAead, memoryOf, monotonicUs, Segmenter, type Tun } from "../src/index.ts";
import { buildPacket, withPartialChecksum } from "../src/packet-samples.ts";

const memory = memoryOf(new ArrayBuffer(1 << 22));
const arena = arenaOf(memory);
const SUPER_PACKET = arena.reserve(70_000);
const SLOTS = arena.reserve(64 * 2048);
const NONCE = arena.reserve(16);
const PLAIN = arena.reserve(2048);
const SEALED = arena.reserve(2048);
const OPENED = arena.reserve(2048);

const ROUNDS = 20;
const REPETITIONS = 20_000;

measureAead();
measureCopies();
measureClocks();
measureSegmentation();

function measureAead(): void {
  for (const cipher of ["aes-256-gcm", "chacha20-poly1305"] as const) {
    const aead = createAead(memory, cipher);
    const seal = aead.importKey(new Uint8Array(32), "seal");
    const open = aead.importKey(new Uint8Array(32), "open");
    for (const length of [1400, 100]) {
      report(`${cipher} seal ${length} B`, () => aead.seal(seal, NONCE, PLAIN, length, SEALED));
      report(`${cipher} open ${length} B`, () => aead.open(open, NONCE, SEALED, length + 16, OPENED));
    }
  }
}

function measureCopies(): void {
  const { bytes, buffer } = memory;
  const asBuffer = Buffer.from(buffer);
  for (const length of [1400, 100, 52]) {
    report(`Uint8Array.copyWithin ${length} B`, () => bytes.copyWithin(OPENED, PLAIN, PLAIN + length));
    report(`Buffer.copy ${length} B`, () => asBuffer.copy(asBuffer, OPENED, PLAIN, PLAIN + length));
    report(`set(subarray) ${length} B`, () => bytes.set(bytes.subarray(PLAIN, PLAIN + length), OPENED));
  }
  report("checksum 1400 B", () => sumBytes(memory.view, PLAIN, 1400));
}

function measureClocks(): void {
  report("monotonicUs", monotonicUs);
  report("performance.now", () => performance.now());
  report("process.hrtime.bigint", () => process.hrtime.bigint());
}

function measureSegmentation(): void {
  const segments = 44;
  const read = superPacket(segments);
  const segmenter = new Segmenter(memory);
  const cut = (): void => {
    memory.bytes.set(read, SUPER_PACKET);
    segmenter.begin(SUPER_PACKET, read.length);
    for (let i = 0; i < segments; i++) segmenter.next(SLOTS + i * 2048);
  };
  report("cut, per segment of 1448 B", cut, segments);
  const coalescer = new Coalescer(memory, arena, discardingTun());
  const lengths = cutOnce(segmenter, read, segments);
  report(
    "cut and join, per segment of 1448 B",
    () => {
      cut();
      for (let i = 0; i < segments; i++) coalescer.add(SLOTS + i * 2048, lengths[i]!, true);
      coalescer.flush();
    },
    segments,
  );
}

function cutOnce(segmenter: Segmenter, read: Uint8Array, segments: number): number[] {
  memory.bytes.set(read, SUPER_PACKET);
  segmenter.begin(SUPER_PACKET, read.length);
  return Array.from({ length: segments }, (_, i) => segmenter.next(SLOTS + i * 2048));
}

function superPacket(segments: number): Uint8Array {
  const options = Buffer.from("0101080a0102030405060708", "hex");
  const packet = buildPacket({ protocol: "tcp", payload: Buffer.alloc(segments * 1448), options });
  const header = Buffer.from([1, 1, 52, 0, 1448 & 0xff, 1448 >> 8, 20, 0, 16, 0]);
  return Buffer.concat([header, withPartialChecksum(packet)]);
}

function discardingTun(): Tun {
  return {
    fd: -1,
    name: "discard",
    offloads: { vnetHeader: true, tso4: true, tso6: true, uso: true },
    read: () => -1,
    write: (_offset, lengthBytes) => lengthBytes,
    writev: (_offset, count) => count,
    setPersistent: () => undefined,
    close: () => undefined,
  };
}

/** Prints nanoseconds per item. */
function report(what: string, run: () => void, items = 1): void {
  const repetitions = Math.ceil(REPETITIONS / items);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < repetitions; i++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / repetitions / items);
  }
  console.log(`${what.padEnd(42)} ${best.toFixed(0).padStart(6)} ns`);
}

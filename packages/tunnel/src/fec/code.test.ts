import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena } from "../arena.ts";
import { PacketPool } from "../packet-pool.ts";
import { Path } from "../path/path.ts";
import { PART_WHOLE } from "../path/sent-ledger.ts";
import { micros, pathId } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { FLAG_CHECKSUM_PARTIAL, FLAG_PROTECTED, FLAG_UNORDERED, FLAG_VOID } from "../wire/lane-header.ts";
import { PARITY, PARITY_SOURCE, PROTECTED_MAX_BYTES } from "../wire/parity.ts";
import { FecDecoder, type PacketSink } from "./decoder.ts";
import { FecEncoder } from "./encoder.ts";

const START = micros(1e6);
/** What the encoder waits for companions of a packet. */
const GROUP_US = 2_000;

test("as many lost packets come back as parity over them arrives, whatever is lost", () => {
  fc.assert(
    fc.property(
      fc.array(packet(), { minLength: 1, maxLength: 16 }),
      fc.integer({ min: 0, max: 300 }),
      fc.infiniteStream(fc.boolean()),
      (packets, warmUp, isLost) => {
        const codec = createCodec();
        for (let i = 0; i < warmUp; i++) codec.parity(false);
        const slots = packets.map((content) => codec.send(content));
        const lost = slots.filter(() => isLost.next().value);
        for (const slot of slots) if (!lost.includes(slot)) codec.arrive(slot);
        for (let i = 0; i < lost.length; i++) codec.parity();
        const expected = packets.filter((_, i) => lost.includes(slots[i]!));
        assert.deepEqual(codec.recovered().map(textOf), expected.map(textOf).sort());
        assert.equal(codec.decoder.recoveredPackets, lost.length);
        codec.check();
      },
    ),
    { numRuns: 300 },
  );
});

test("one parity too few recovers nothing, and a packet that comes late makes up for it", () => {
  const codec = createCodec();
  const slots = [1, 2, 3, 4].map((n) => codec.send({ bytes: new Uint8Array(50 * n).fill(n), lane: n % 2, flags: 0 }));
  codec.arrive(slots[0]!);
  codec.arrive(slots[3]!);
  codec.parity();
  assert.equal(codec.decoder.recoveredPackets, 0);
  codec.arrive(slots[1]!);
  assert.deepEqual(codec.recovered(), [{ bytes: new Uint8Array(150).fill(3), lane: 1, flags: 0 }]);
});

test("packets that keep coming and going: whatever is recovered is what was sent, and memory is bounded", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.double({ min: 0, max: 0.6, noNaN: true }),
      (seed, loss) => {
        const codec = createCodec();
        const random = generator(seed);
        const sent = new Set<string>();
        let recovered = 0;
        let direct = 0;
        for (let n = 0; n < 300; n++) {
          const content = { bytes: bytesOf(20 + Math.floor(random() * 300), random), lane: n % 3, flags: 0 };
          const slot = codec.send(content);
          sent.add(textOf(content));
          if (random() >= loss) {
            codec.arrive(slot);
            direct++;
            if (random() < 0.5) codec.acknowledge(slot);
          }
          codec.parity(random() >= loss);
          for (const packet of codec.recovered()) {
            assert.ok(sent.has(textOf(packet)));
            recovered++;
          }
        }
        assert.ok(recovered <= 300 - direct);
        if (loss > 0.1 && loss < 0.3) assert.ok(recovered > 0.5 * (300 - direct), `${recovered} of ${300 - direct}`);
        codec.check();
      },
    ),
    { numRuns: 60 },
  );
});

test("the window leaves out what has arrived, and holds at most sixteen packets", () => {
  const codec = createCodec();
  const slots = Array.from({ length: 20 }, (_, n) =>
    codec.send({ bytes: bytesOf(40), lane: 0, flags: n === 0 ? 1 : 0 }),
  );
  assert.equal(codec.parity(false).count, 16);
  for (const slot of slots.slice(5, 19)) codec.acknowledge(slot);
  codec.send({ bytes: bytesOf(40), lane: 0, flags: 0 });
  assert.deepEqual(codec.parity(false).sequences, [4, 19, 20]);
  for (const slot of slots) codec.acknowledge(slot);
  codec.encoder.settle();
  codec.check();
});

test("nothing is protected, and nothing sent, while the path loses nothing, nor when it is switched off", () => {
  const codec = createCodec(0);
  const clean = codec.send({ bytes: bytesOf(40), lane: 0, flags: 0 });
  assert.equal(codec.pool.flags[clean]! & FLAG_PROTECTED, 0);
  assert.equal(codec.encoder.dueAt, Number.POSITIVE_INFINITY);
  assert.equal(codec.encoder.turn(codec.paths, micros(START + GROUP_US)), undefined);
  const lossy = createCodec();
  lossy.encoder.isEnabled = false;
  const off = lossy.send({ bytes: bytesOf(40), lane: 0, flags: 0 });
  assert.equal(lossy.pool.flags[off]! & FLAG_PROTECTED, 0);
});

test("a VOID and a packet that is too long are not protected", () => {
  const codec = createCodec();
  const none = codec.send({ bytes: bytesOf(2), lane: 0, flags: FLAG_VOID });
  const long = codec.send({ bytes: bytesOf(PROTECTED_MAX_BYTES + 1), lane: 0, flags: 0 });
  const longest = codec.send({ bytes: bytesOf(PROTECTED_MAX_BYTES), lane: 0, flags: 0 });
  assert.deepEqual(
    [none, long, longest].map((slot) => (codec.pool.flags[slot]! & FLAG_PROTECTED) !== 0),
    [false, false, true],
  );
  assert.ok(codec.parity().bytes + 28 <= 1_200);
});

test("parity leaves over a path that carried none of the group, unless it would come later than a repair", () => {
  const codec = createCodec();
  const [used, other, late] = codec.paths;
  codec.send({ bytes: bytesOf(40), lane: 0, flags: 0 });
  assert.equal(codec.encoder.turn([used!, other!], micros(START + GROUP_US)), other);
  codec.send({ bytes: bytesOf(40), lane: 0, flags: 0 });
  assert.equal(codec.encoder.turn([used!, late!], micros(START + 2 * GROUP_US)), used);
});

test("malformed parity is refused, and random parity does no harm", () => {
  const codec = createCodec();
  const { arena, scratchOffset } = codec.pool;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_300 }), (bytes) => {
      arena.bytes.set(bytes, scratchOffset);
      const isAccepted = codec.decoder.handleParity(scratchOffset, scratchOffset + bytes.length, START);
      const count = bytes[PARITY.COUNT] ?? 0;
      const symbolBytes = bytes.length - PARITY.SOURCES - count * PARITY_SOURCE.LENGTH;
      assert.equal(isAccepted, count >= 1 && count <= 16 && symbolBytes > 2 && symbolBytes <= 1_002);
    }),
  );
  codec.recovered();
  codec.check();
});

interface Content {
  readonly bytes: Uint8Array;
  readonly lane: number;
  readonly flags: number;
}

function packet(): fc.Arbitrary<Content> {
  return fc.record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    lane: fc.integer({ min: 0, max: 255 }),
    flags: fc.constantFrom(0, FLAG_CHECKSUM_PARTIAL, FLAG_UNORDERED),
  });
}

/** An encoder and a decoder with a path of 2 % loss between them, another one, and one that is late. */
function createCodec(lossPpm = 20_000) {
  const arena = new Arena(400_000);
  const pool = new PacketPool(arena, { slots: 128 });
  const encoder = new FecEncoder(pool);
  const delivered: Slot[] = [];
  const sink: PacketSink = { duplicatePackets: 0, accept: (slot) => delivered.push(slot) };
  const decoder = new FecDecoder(pool, sink);
  const paths = [20_000, 25_000, 900_000].map((oneWayUs, id) => createPath(id, oneWayUs, lossPpm));
  const sent: Slot[] = [];
  const sequences = new Map<number, number>();
  const contentOf = (slot: Slot): Content => {
    const offset = pool.packetOffset(slot);
    const bytes = arena.bytes.slice(offset, offset + pool.length[slot]!);
    return { bytes, lane: pool.lane[slot]!, flags: pool.flags[slot]! & ~FLAG_PROTECTED };
  };
  return {
    pool,
    encoder,
    decoder,
    paths,
    /** Sends a packet of a flow's own sequence over the first path. */
    send({ bytes, lane, flags }: Content): Slot {
      const slot = pool.alloc();
      assert.ok(slot >= 0, "memory is bounded");
      const kind = lane * 8 + (flags & FLAG_UNORDERED);
      const sequence = sequences.get(kind) ?? 0;
      sequences.set(kind, sequence + 1);
      arena.bytes.set(bytes, pool.packetOffset(slot));
      pool.length[slot] = bytes.length;
      pool.flags[slot] = flags;
      pool.lane[slot] = lane;
      pool.sequence[slot] = sequence;
      pool.references[slot] = 1;
      encoder.protect(slot, paths[0]!, START);
      sent.push(slot);
      if (sent.length > 40) this.acknowledge(sent[0]!);
      return slot;
    },
    arrive(slot: Slot): void {
      decoder.handleSource(slot, START);
    },
    /** The sender learns that the packet has arrived, and forgets it. */
    acknowledge(slot: Slot): void {
      const index = sent.indexOf(slot);
      if (index < 0) return;
      sent.splice(index, 1);
      pool.delivered[slot] = PART_WHOLE;
      pool.release(slot);
    },
    /** Lays down one parity over the window, and hands it over if it arrives. */
    parity(arrives = true) {
      const offset = pool.scratchOffset;
      encoder.settle();
      const bytes = encoder.write(offset, paths[1]!);
      const count = arena.view.getUint8(offset + PARITY.COUNT);
      const list = Array.from({ length: count }, (_, i) =>
        arena.view.getUint32(offset + PARITY.SOURCES + i * PARITY_SOURCE.LENGTH + PARITY_SOURCE.SEQUENCE),
      );
      if (arrives && count > 0) assert.ok(decoder.handleParity(offset, offset + bytes, START));
      return { bytes, count, sequences: list };
    },
    recovered(): Content[] {
      const contents = delivered.map(contentOf);
      for (const slot of delivered.splice(0)) pool.free(slot);
      return contents.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
    },
    /** All buffers come back. */
    check(): void {
      while (sent.length > 0) this.acknowledge(sent[0]!);
      encoder.clear();
      assert.equal(pool.freeSlots, pool.slots);
    },
  };
}

function createPath(id: number, oneWayUs: number, lossPpm: number): Path {
  const path = new Path(pathId(id), id as Slot, 0, { name: `path${id}`, maxDatagramBytes: 1_200 }, micros(0));
  path.rtt.sample(2 * oneWayUs, micros(1));
  path.oneWay.sample(oneWayUs, 0, micros(1));
  path.lossMeter.count(1e6 - lossPpm, lossPpm, 0, START);
  path.pacer.reset(micros(START - 100));
  return path;
}

function textOf({ bytes, lane, flags }: Content): string {
  return `${lane} ${flags} ${bytes.join()}`;
}

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function bytesOf(length: number, random: () => number = generator(length)): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

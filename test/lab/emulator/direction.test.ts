import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Direction } from "./direction.ts";
import { type DirectionSettings, WIRE } from "./settings.ts";

const FRAME_BYTES = 1514;

test("a constant rate is kept exactly while frames wait", () => {
  const pipe = pipeOf({ rateBps: 50e6, queueMs: 1000 });
  for (let i = 0; i < 1000; i++) offer(pipe, FRAME_BYTES, 0);
  const times = drain(pipe, 0, 10_000_000);
  assert.equal(times.length, 1000);
  assert.ok(Math.abs(times.at(-1)! - (1000 * FRAME_BYTES * 8) / 50) < 1);
});

test("an idle line sends a frame after its serialisation time and the delay", () => {
  const pipe = pipeOf({ rateBps: 12_112_000, delayMs: 20 });
  offer(pipe, FRAME_BYTES, 5_000);
  assert.deepEqual(drain(pipe, 5_000, 100_000), [26_000]);
});

test("the queue takes its milliseconds at full rate and drops the tail", () => {
  const pipe = pipeOf({ rateBps: 12_112_000, queueMs: 10 });
  for (let i = 0; i < 50; i++) offer(pipe, FRAME_BYTES, 0);
  assert.equal(drain(pipe, 0, 1_000_000).length, 10);
  assert.equal(pipe.counters.queueDrops, 40);
});

test("frames of packets beyond the MTU vanish, and all pass again when it is lifted", () => {
  const pipe = pipeOf({ mtuBytes: 1_300 });
  for (const packetBytes of [1_300, 1_301, 1_500, 60]) offer(pipe, packetBytes + 14, 0);
  assert.equal(drain(pipe, 0, 1_000).length, 2);
  assert.equal(pipe.counters.mtuDrops, 2);
  pipe.change({ ...pipe.settings, mtuBytes: 0 }, 1_000);
  offer(pipe, FRAME_BYTES, 1_000);
  assert.equal(drain(pipe, 1_000, 2_000).length, 1);
});

test("a changed rate holds for the frames that already wait", () => {
  const pipe = pipeOf({ rateBps: 12_112_000, queueMs: 1000 });
  for (let i = 0; i < 20; i++) offer(pipe, FRAME_BYTES, 0);
  assert.equal(drain(pipe, 0, 10_000).length, 10);
  pipe.change({ ...pipe.settings, rateBps: 6_056_000 }, 10_000);
  assert.deepEqual(drain(pipe, 10_000, 14_000), [12_000, 14_000]);
});

test("jitter spreads delivery within its bounds and keeps the order", () => {
  const pipe = pipeOf({ delayMs: 20, jitterMs: 5 });
  const delays: number[] = [];
  for (let i = 0; i < 500; i++) {
    const sentUs = i * 50_000;
    offer(pipe, FRAME_BYTES, sentUs);
    delays.push(drain(pipe, sentUs, sentUs + 49_000)[0]! - sentUs);
  }
  assert.ok(Math.min(...delays) < 15_500 && Math.min(...delays) >= 15_000);
  assert.ok(Math.max(...delays) > 24_500 && Math.max(...delays) <= 25_000);
  for (let i = 0; i < 500; i++) offer(pipe, FRAME_BYTES, 1e9 + i * 100);
  const times = drain(pipe, 1e9, 2e9);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test("random loss takes its share behind the bottleneck", () => {
  const pipe = pipeOf({ lossRatio: 0.02 });
  for (let i = 0; i < 50_000; i++) offer(pipe, 100, i);
  drain(pipe, 50_000, 1e6);
  const ratio = pipe.counters.randomDrops / 50_000;
  assert.ok(ratio > 0.018 && ratio < 0.022, `${ratio}`);
});

test("burst loss comes in bursts of the given length", () => {
  const pipe = pipeOf({ burstLoss: { enterRatio: 0.01, leaveRatio: 0.1, lossRatio: 1 } });
  let bursts = 0;
  let lost = 0;
  let lastWasLost = false;
  for (let i = 0; i < 50_000; i++) {
    offer(pipe, 100, i);
    const isLost = drain(pipe, i, i).length === 0;
    if (isLost) lost++;
    if (isLost && !lastWasLost) bursts++;
    lastWasLost = isLost;
  }
  assert.ok(lost / 50_000 > 0.07 && lost / 50_000 < 0.11, `loss ${lost / 50_000}`);
  assert.ok(lost / bursts > 8 && lost / bursts < 12, `burst length ${lost / bursts}`);
});

test("the same seed loses the same frames", () => {
  const fate = (seed: number): string => {
    const pipe = pipeOf({ lossRatio: 0.3 }, seed);
    let out = "";
    for (let i = 0; i < 100; i++) {
      offer(pipe, 100, i);
      out += drain(pipe, i, i).length;
    }
    return out;
  };
  assert.equal(fate(7), fate(7));
  assert.notEqual(fate(7), fate(8));
});

test("a cut swallows what comes and what is under way, and the link carries again afterwards", () => {
  const pipe = pipeOf({ delayMs: 20 });
  offer(pipe, FRAME_BYTES, 0);
  pipe.change({ ...pipe.settings, cut: true }, 10_000);
  offer(pipe, FRAME_BYTES, 11_000);
  assert.deepEqual(drain(pipe, 11_000, 100_000), []);
  assert.equal(pipe.counters.cutDrops, 2);
  pipe.change({ ...pipe.settings, cut: false }, 100_000);
  offer(pipe, FRAME_BYTES, 100_000);
  assert.deepEqual(drain(pipe, 100_000, 200_000), [120_000]);
});

test("reordering delivers a held-back frame after its followers", () => {
  const pipe = pipeOf({ delayMs: 1, reordering: { ratio: 0.1, extraDelayMs: 2 } });
  for (let i = 0; i < 1000; i++) offer(pipe, 60 + (i % 1000), i * 1000);
  const lengths: number[] = [];
  drain(pipe, 1e6, 2e6, (length) => lengths.push(length - 60));
  const overtaken = lengths.filter((value, i) => i > 0 && value < lengths[i - 1]!).length;
  assert.equal(lengths.length, 1000);
  assert.ok(overtaken > 60 && overtaken < 140, `${overtaken}`);
});

test("a trace lets 1,504 bytes leave per opportunity, loses unused ones and begins again at its end", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "trace-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const tracePath = join(directory, "a.up");
  writeFileSync(tracePath, "10\n10\n20\n50\n");
  const pipe = pipeOf({ tracePath, queueMs: 10_000 });
  for (let i = 0; i < 5; i++) offer(pipe, FRAME_BYTES, 15_000);
  assert.deepEqual(drain(pipe, 15_000, 200_000), [20_000, 50_000, 60_000, 60_000, 70_000]);
  pipe.advance(100_000);
  assert.equal(pipe.counters.offeredBytes, 8 * 1504);
});

test("small frames share one opportunity of a trace", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "trace-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const tracePath = join(directory, "a.up");
  writeFileSync(tracePath, "10\n20\n");
  const pipe = pipeOf({ tracePath, queueMs: 10_000 });
  for (let i = 0; i < 16; i++) offer(pipe, 104, 0);
  assert.deepEqual(drain(pipe, 0, 10_000).length, 16);
});

test("frames come out as they went in, however often the memory has been used round", () => {
  const pipe = pipeOf({ rateBps: 100e6, delayMs: 5, queueMs: 50 });
  let sent = 0;
  let received = 0;
  for (let nowUs = 0; nowUs < 10e6; nowUs += 500) {
    for (let i = 0; i < 4; i++) offer(pipe, 60 + ((sent * 37) % 1450), nowUs, sent++ & 0xff);
    drain(pipe, nowUs, nowUs, (length, offset) => {
      assert.equal(length, 60 + ((received * 37) % 1450));
      assert.equal(bytes[offset], received++ & 0xff);
    });
  }
  assert.ok(received > 15_000);
  assert.equal(pipe.counters.queueDrops, 0);
});

const bytes = new Uint8Array(16 * 1024 * 1024);

function pipeOf(settings: Partial<DirectionSettings>, seed = 1): Direction {
  return new Direction(bytes, { start: 4096, bytes: 8 * 1024 * 1024 }, { ...WIRE, ...settings }, seed, 0);
}

function offer(pipe: Direction, lengthBytes: number, nowUs: number, mark = 0): void {
  const offset = pipe.reserve();
  assert.ok(offset >= 4096, "memory is full");
  bytes[offset] = mark;
  pipe.accept(lengthBytes, nowUs);
}

/** Steps from deadline to deadline. Returns the times of delivery. */
function drain(pipe: Direction, fromUs: number, untilUs: number, seen?: (length: number, offset: number) => void) {
  const times: number[] = [];
  for (let nowUs = fromUs; nowUs <= untilUs; nowUs = Math.max(nowUs, pipe.nextDeadlineUs())) {
    pipe.advance(nowUs);
    while (pipe.findDue(nowUs)) {
      times.push(nowUs);
      seen?.(pipe.dueLengthBytes, pipe.dueOffset);
      pipe.release(true);
    }
    if (pipe.nextDeadlineUs() <= nowUs) throw new Error("a deadline that has passed, and nothing was due");
  }
  return times;
}

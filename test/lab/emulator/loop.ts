/**
 * The emulator's forwarding loop: a worker thread that owns the TAP devices. Read what came in, let the bottlenecks work,
 * write what is due, sleep. It never yields to the event loop; settings arrive on a message port that is looked at when
 * the shared generation number has changed, counters leave through shared memory.
 */
import { setPriority } from "node:os";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { createPoller, type Memory, memoryOf, monotonicUs, openTun, setTimerSlack, type Tun } from "@edgebos/linux-io";
import { Direction, FRAME_CAPACITY_BYTES } from "./direction.ts";
import { COUNTERS, type DirectionName, type DirectionSettings, type EmulatedLink } from "./settings.ts";

export interface LoopData {
  readonly links: readonly EmulatedLink[];
  readonly seed: number;
  /** Int32: [0] counts changes that were posted to `settingsPort`. */
  readonly generation: SharedArrayBuffer;
  /** Float64 per link, direction (up, down) and counter. */
  readonly counters: SharedArrayBuffer;
  readonly settingsPort: MessagePort;
}

export interface SettingsChange {
  readonly link: number;
  readonly direction: DirectionName;
  readonly settings: DirectionSettings;
}

/** A device is read this often in a row before the others have their turn. */
const READ_BUDGET_FRAMES = 64;
/** While traffic flows, the loop runs at most once in this time: it costs delay, and saves most of the system calls. */
const QUANTUM_US = 100;
/** A frame due this soon is written at once: frames are seen late by as much on the average, so the mean error is small. */
const EARLY_US = 100;
const TIMER_SLACK_NS = 1000;
/** From a long wait the processor wakes up late by about this much, so the wait is cut in two. */
const WAKE_UP_US = 120;
const LONG_WAIT_US = 1000;
/** The emulator stands for hardware: programs under test must not take its time. */
const NICENESS = -19;
/** Longest sleep: settings are looked at this often on an idle link. */
const IDLE_US = 10_000;
const COUNTERS_PERIOD_US = 5000;

/** A device and the direction that its reads feed. */
interface Port {
  readonly tun: Tun;
  readonly feeds: Direction;
  readonly drains: Direction;
}

run(workerData as LoopData);

function run(data: LoopData): void {
  setPriority(NICENESS);
  setTimerSlack(TIMER_SLACK_NS);
  const { memory, directions, scratchOffset } = layOut(data);
  const ports = data.links.flatMap((link, index) => {
    const [up, down] = [directions[2 * index]!, directions[2 * index + 1]!];
    return [
      { tun: openTap(memory, link.clientDevice), feeds: up, drains: down },
      { tun: openTap(memory, link.serverDevice), feeds: down, drains: up },
    ];
  });
  const poller = createPoller();
  for (const port of ports) poller.add(port.tun.fd);
  const sleeper = createPoller();
  const generation = new Int32Array(data.generation);
  const counters = new Float64Array(data.counters);
  let seenGeneration = 0;
  let countersDueUs = 0;
  parentPort!.postMessage("ready");

  for (;;) {
    const nowUs = monotonicUs();
    if (Atomics.load(generation, 0) !== seenGeneration) {
      seenGeneration = Atomics.load(generation, 0);
      applyChanges(data.settingsPort, directions, nowUs);
    }
    let moved = false;
    for (const port of ports) if (takeIn(port, scratchOffset, nowUs)) moved = true;
    for (const port of ports) if (giveOut(port, nowUs)) moved = true;
    if (moved) takeInAnswers(ports, scratchOffset);
    let deadlineUs = nowUs + IDLE_US;
    for (const port of ports) deadlineUs = Math.min(deadlineUs, port.drains.nextDeadlineUs());
    if (nowUs > countersDueUs) {
      publish(directions, counters);
      countersDueUs = nowUs + COUNTERS_PERIOD_US;
    }
    if (moved) sleeper.wait(QUANTUM_US);
    const restUs = deadlineUs - EARLY_US - monotonicUs();
    if (restUs > 0) poller.wait(restUs > LONG_WAIT_US ? restUs - WAKE_UP_US : restUs);
  }
}

function layOut(data: LoopData): { memory: Memory; directions: Direction[]; scratchOffset: number } {
  const settings = data.links.flatMap((link) => [link.up, link.down]);
  const regions = settings.map((each) => Direction.regionBytes(each));
  const buffer = new ArrayBuffer(FRAME_CAPACITY_BYTES + regions.reduce((sum, bytes) => sum + bytes, 0));
  const memory = memoryOf(buffer);
  let start = FRAME_CAPACITY_BYTES;
  const directions = settings.map((each, index) => {
    const region = { start, bytes: regions[index]! };
    start += region.bytes;
    return new Direction(memory.bytes, region, each, data.seed + index, monotonicUs());
  });
  return { memory, directions, scratchOffset: 0 };
}

/** Without a vnet header the kernel hands out ready frames: segmented, with checksums. */
function openTap(memory: Memory, name: string): Tun {
  return openTun(memory, { name, mode: "tap", offload: false });
}

function applyChanges(port: MessagePort, directions: Direction[], nowUs: number): void {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (!received) return;
    const change = received.message as SettingsChange;
    directions[2 * change.link + (change.direction === "up" ? 0 : 1)]!.change(change.settings, nowUs);
  }
}

function takeIn(port: Port, scratchOffset: number, nowUs: number): boolean {
  for (let count = 0; count < READ_BUDGET_FRAMES; count++) {
    const offset = port.feeds.reserve();
    const length = read(port.tun, offset < 0 ? scratchOffset : offset);
    if (length <= 0) return count > 0;
    if (offset < 0) port.feeds.refuse(length);
    else port.feeds.accept(length, nowUs);
  }
  return true;
}

/** What was written may have been answered within the call: such an answer must not wait for the next round. */
function takeInAnswers(ports: readonly Port[], scratchOffset: number): void {
  const nowUs = monotonicUs();
  for (const port of ports) takeIn(port, scratchOffset, nowUs);
}

function giveOut(port: Port, nowUs: number): boolean {
  const direction = port.drains;
  const untilUs = nowUs + EARLY_US;
  direction.advance(untilUs);
  let moved = false;
  while (direction.findDue(untilUs)) {
    direction.release(write(port.tun, direction.dueOffset, direction.dueLengthBytes));
    moved = true;
  }
  return moved;
}

/** A device that is down or whose namespace is gone gives nothing. */
function read(tun: Tun, offset: number): number {
  try {
    return tun.read(offset, FRAME_CAPACITY_BYTES);
  } catch {
    return 0;
  }
}

/** A device that is down refuses frames with EIO. */
function write(tun: Tun, offset: number, lengthBytes: number): boolean {
  try {
    return tun.write(offset, lengthBytes) === lengthBytes;
  } catch {
    return false;
  }
}

function publish(directions: readonly Direction[], out: Float64Array): void {
  let place = 0;
  for (const direction of directions) {
    for (const name of COUNTERS) out[place++] = direction.counters[name];
  }
}

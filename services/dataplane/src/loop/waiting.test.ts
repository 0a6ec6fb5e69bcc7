import assert from "node:assert/strict";
import { test } from "node:test";
import type { Micros } from "@edgebos/tunnel";
import { createCounters, WORK_INDEX } from "./counters.ts";
import { Waiting } from "./waiting.ts";

test("after a packet that was answered at once, the answer to the next one is found without falling asleep", () => {
  const host = new RequestingHost({ minRttUs: 90 });
  assert.equal(host.sleepsWhileAsking(200), 1);
  assert.equal(host.sleepsWhileAsking(200), 0);
  assert.equal(host.sleepsWhileAsking(390), 0);
  assert.equal(host.sleepsWhileAsking(390), 0);
});

test("over paths of a millisecond and more, or beside a near one that is suspended, the loop sleeps", () => {
  for (const far of [{ minRttUs: 1000 }, { minRttUs: 90, state: "suspended" }] as const) {
    const host = new RequestingHost(far);
    assert.deepEqual([host.sleepsWhileAsking(200), host.sleepsWhileAsking(200)], [1, 1]);
    assert.equal(host.spentLookingUs, 0);
  }
});

test("an answer that stays away ends the looks until one has come at once again", () => {
  const host = new RequestingHost({ minRttUs: 90 });
  host.sleepsWhileAsking(200);
  host.sleepsWhileAsking(3000);
  const spentUs = host.spentLookingUs;
  assert.ok(spentUs >= 400 && spentUs < 420, `${spentUs} µs`);
  host.sleepsWhileAsking(3000);
  host.sleepsWhileAsking(200);
  assert.equal(host.spentLookingUs, spentUs);
  assert.equal(host.sleepsWhileAsking(200), 0);
});

test("looks take an eighth of the processor at most, however many answers come", () => {
  const host = new RequestingHost({ minRttUs: 90, pauseUs: 50 });
  const startUs = host.clock;
  for (let i = 0; i < 1000; i++) host.sleepsWhileAsking(200);
  const share = host.spentLookingUs / (host.clock - startUs);
  assert.ok(share > 0.08 && share <= 0.126, `${share}`);
});

test("a look ends when a timer is due", () => {
  const host = new RequestingHost({ minRttUs: 90 });
  host.sleepsWhileAsking(200);
  host.send();
  host.waiting.until(host.clock + 50);
  assert.equal(host.slept, 0);
  assert.ok(host.spentLookingUs >= 50 && host.spentLookingUs < 60);
});

test("while packets come often the loop does not look, not even if too many come to rest", () => {
  const host = new RequestingHost({ minRttUs: 90, packetsAtOnce: 400, pauseUs: 50 });
  for (let i = 0; i < 100; i++) host.sleepsWhileAsking(200);
  host.spentLookingUs = 0;
  for (let i = 0; i < 100; i++) host.sleepsWhileAsking(200);
  assert.equal(host.spentLookingUs, 0);
});

test("a loop that needs much of its processor does not look, nor does one that has the only one", () => {
  for (const short of [{ isLight: false }, { processors: 1 }]) {
    const host = new RequestingHost({ minRttUs: 90, ...short });
    assert.deepEqual([host.sleepsWhileAsking(200), host.sleepsWhileAsking(200)], [1, 1]);
  }
});

interface Scene {
  readonly minRttUs: number;
  readonly state?: "up" | "suspended";
  readonly packetsAtOnce?: number;
  readonly pauseUs?: number;
  readonly isLight?: boolean;
  readonly processors?: number;
}

/** A loop beside a host that sends a packet or several, waits for the answer, and pauses. A poll takes a microsecond, to be woken fifty. */
class RequestingHost {
  clock = 1_000_000;
  slept = 0;
  spentLookingUs = 0;
  readonly waiting: Waiting;
  readonly #counters = new Float64Array(createCounters());
  readonly #packetsAtOnce: number;
  readonly #pauseUs: number;
  #inputAt = Number.POSITIVE_INFINITY;

  constructor(scene: Scene) {
    const { minRttUs, state = "up", packetsAtOnce = 1, pauseUs = 5000, isLight = true, processors = 2 } = scene;
    this.#packetsAtOnce = packetsAtOnce;
    this.#pauseUs = pauseUs;
    const poller = { ...UNUSED, wait: (timeoutUs: number) => this.#poll(timeoutUs) };
    const io = { poller, restPoller: poller, now: () => this.clock as Micros };
    this.waiting = new Waiting(io, this.#counters, { isLight }, processors);
    this.waiting.answers.setPaths([
      { state: "up", minRttUs: 40_000 },
      { state, minRttUs },
    ]);
  }

  send(): void {
    this.#counters[WORK_INDEX["tun-packets-in"]]! += this.#packetsAtOnce;
    this.waiting.handleTurn(this.clock as Micros);
    this.slept = 0;
  }

  /** Returns how often the loop fell asleep before the answer, which comes after `answerUs`. */
  sleepsWhileAsking(answerUs: number): number {
    this.send();
    this.#inputAt = this.clock + answerUs;
    while (this.clock < this.#inputAt) this.waiting.until(Number.MAX_SAFE_INTEGER);
    this.#inputAt = Number.POSITIVE_INFINITY;
    this.#counters[WORK_INDEX["tun-packets-out"]]!++;
    this.waiting.handleTurn(this.clock as Micros);
    this.clock += this.#pauseUs;
    return this.slept;
  }

  #poll(timeoutUs: number): number {
    if (timeoutUs === 0) {
      this.clock++;
      this.spentLookingUs++;
    } else {
      this.slept++;
      this.clock = Math.min(this.clock + timeoutUs, this.#inputAt + WAKE_UP_US);
    }
    return this.clock >= this.#inputAt ? 1 : 0;
  }
}

const WAKE_UP_US = 50;
const UNUSED = {
  add: () => 0,
  remove: () => undefined,
  setWantWrite: () => undefined,
  writable: () => false,
  readable: () => false,
};

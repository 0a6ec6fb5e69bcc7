import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceiveClock } from "./receive-clock.ts";

test("the age of a stamp is the time from the stamp to the reading", () => {
  const { clock, time } = setUp();
  const stamp = time.realtime();
  time.pass(300);
  clock.read();
  assert.equal(clock.ageUs(stamp), 300);
});

test("a stamp from the future has no age", () => {
  const { clock, time } = setUp();
  clock.read();
  assert.equal(clock.ageUs(time.realtime() + 20), 0);
});

for (const stepUs of [3_600e6, 20_000, -20_000, -3_600e6]) {
  test(`stamps of before and after a step of ${stepUs / 1e6} s have no age, those of a while later have`, () => {
    const { clock, time } = setUp();
    const before = time.realtime();
    time.pass(300);
    time.step(stepUs);
    const after = time.realtime();
    time.pass(100);
    clock.read();
    assert.deepEqual([clock.ageUs(before), clock.ageUs(after)], [0, 0]);
    time.pass(50_000);
    clock.read();
    assert.deepEqual([clock.ageUs(before), clock.ageUs(after)], [0, 0]);
    time.pass(60_000);
    const stamp = time.realtime();
    time.pass(250);
    clock.read();
    assert.equal(clock.ageUs(stamp), 250);
  });
}

test("a thread that is kept from running between two readings is no step", () => {
  const { clock, time } = setUp();
  const stamp = time.realtime();
  time.pass(300);
  time.hangs = [10_000];
  clock.read();
  assert.equal(clock.ageUs(stamp), 10_300);
});

function setUp() {
  const time = new TwoClocks();
  const clock = new ReceiveClock(
    () => time.monotonic(),
    () => time.realtime(),
  );
  return { time, clock };
}

/** A clock that is set now and then, and one that never is. */
class TwoClocks {
  #us = 5_000_000;
  #distanceUs = 1.7e15;
  /** How long the next readings of the monotonic clock take, once it has been read. */
  hangs: number[] = [];

  pass(us: number): void {
    this.#us += us;
  }

  step(us: number): void {
    this.#distanceUs += us;
  }

  monotonic(): number {
    const us = this.#us;
    this.#us += this.hangs.shift() ?? 0;
    return us;
  }

  realtime(): number {
    return this.#us + this.#distanceUs;
  }
}

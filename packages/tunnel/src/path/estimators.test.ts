import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import { LossMeter } from "./loss-meter.ts";
import { MaxFilter } from "./max-filter.ts";
import { OneWayDelay } from "./one-way-delay.ts";
import { Pacer } from "./pacer.ts";
import { RttEstimator } from "./rtt-estimator.ts";

test("the maximum of a window is that of its rounds, and the last value never expires", () => {
  const filter = new MaxFilter(3);
  filter.update(10, 0);
  filter.update(5, 1);
  filter.update(7, 2);
  assert.equal(filter.value, 10);
  filter.expire(4);
  assert.equal(filter.value, 7);
  filter.expire(100);
  assert.equal(filter.value, 7);
  filter.reset(2, 100);
  assert.equal(filter.value, 2);
});

test("a falling series longer than the filter's memory keeps the newest values", () => {
  const filter = new MaxFilter(10);
  for (let round = 0; round < 100; round++) {
    filter.update(1_000 - round, round);
    filter.expire(round);
    assert.equal(filter.value, 1_000 - Math.max(0, round - 10));
  }
});

test("the loaded minimum forgets after seconds, the all-time minimum does not", () => {
  const rtt = new RttEstimator();
  rtt.sample(20_000, micros(0));
  for (let at = 100_000; at < 5e6; at += 100_000) rtt.sample(30_000, micros(at));
  assert.equal(rtt.minUs, 20_000);
  assert.equal(rtt.loadedMinUs(), 30_000);
});

test("a loaded minimum far above the all-time minimum is a queue, and is not believed", () => {
  const rtt = new RttEstimator();
  rtt.sample(20_000, micros(0));
  for (let at = 100_000; at < 5e6; at += 100_000) rtt.sample(400_000, micros(at));
  assert.equal(rtt.loadedMinUs(), 80_000);
});

test("a new route's longer round trip becomes the minimum in the end", () => {
  const rtt = new RttEstimator();
  rtt.sample(20_000, micros(0));
  for (let at = 1e6; at < 30e6; at += 1e6) rtt.sample(50_000, micros(at));
  assert.equal(rtt.minUs, 50_000);
});

test("the base delay does not count the queue that our own packets made", () => {
  const delay = new OneWayDelay();
  delay.sample(10_000, 0, 0);
  for (let i = 0; i < 100; i++) delay.sample(30_000, 20_000, i);
  assert.ok(Math.abs(delay.baseUs - 10_000) < 1);
  assert.ok(delay.smoothedUs > 29_000);
  assert.equal(delay.excessUs, 20_000);
});

test("the pacer sends bursts of one quantum at the asked rate", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  const rate = 12.5;
  let sent = 0;
  let longestBurst = 0;
  for (let now = 0; now < 100_000; now += 10) {
    let burst = 0;
    while (pacer.isReady(micros(now))) {
      pacer.charge(1_500, rate, micros(now));
      burst++;
    }
    sent += burst;
    longestBurst = Math.max(longestBurst, burst);
  }
  assert.ok(Math.abs(sent * 1_500 - rate * 100_000) < 3 * 1_500 * 5);
  assert.ok(longestBurst >= 8 && longestBurst <= 12, `bursts of ${longestBurst}`);
});

test("a late wake-up is caught up with, a long sleep is not", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  let burst = 0;
  while (pacer.isReady(micros(1e6))) {
    pacer.charge(1_500, 12.5, micros(1e6));
    burst++;
  }
  assert.ok(burst < 40);
  assert.ok(pacer.idleUs > 900_000, "the path stood ready in vain");
});

test("idle time counts once, however many packets end it at once", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  for (let now = 10_000; now <= 100_000; now += 10_000) {
    for (let packet = 0; packet < 10; packet++) pacer.charge(1_500, 12.5, micros(now));
  }
  assert.ok(pacer.idleUs > 60_000, `${pacer.idleUs} µs`);
  assert.ok(pacer.idleUs <= 100_000, `${pacer.idleUs} µs`);
});

test("small packets in close succession leave a path idle for what they do not need of it", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  for (let now = 500; now <= 100_000; now += 500) pacer.charge(125, 12.5, micros(now));
  assert.ok(Math.abs(pacer.idleUs - 96_000) < 2_000, `${pacer.idleUs} µs`);
});

test("a path that always has something to send is not idle, however late each wake-up", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  for (let now = 1_500; now <= 100_000; now += 1_500)
    while (pacer.isReady(micros(now))) pacer.charge(1_500, 12.5, micros(now));
  assert.ok(pacer.idleUs < 1_000, `${pacer.idleUs} µs`);
});

test("a path whose window is closed is not idle", () => {
  const pacer = new Pacer();
  pacer.reset(micros(0));
  pacer.noteWindow(false, micros(10));
  pacer.noteWindow(true, micros(1e6));
  pacer.charge(1_500, 12.5, micros(1e6));
  assert.ok(pacer.idleUs < 1_000);
});

test("the loss meter forgets while nothing is counted as it does otherwise", () => {
  const meter = new LossMeter();
  meter.count(0, 64, 0, micros(1));
  meter.count(3, 0, 0, micros(30_000_001));
  assert.ok(meter.ppm < 20_000, `${meter.ppm} ppm`);
});

test("what overflows is lost, and not the link's loss", () => {
  const meter = new LossMeter();
  meter.count(900, 100, 80, micros(0));
  assert.ok(Math.abs(meter.ppm - 100_000) < 100, `${meter.ppm} ppm`);
  assert.ok(Math.abs(meter.linkPpm - 20_000) < 100, `${meter.linkPpm} ppm`);
  meter.count(0, -100, 0, micros(1));
  meter.count(0, 10, 0, micros(2));
  assert.ok(meter.linkPpm > 9_000, `${meter.linkPpm} ppm`);
});

test("the loss meter follows the last seconds", () => {
  const meter = new LossMeter();
  for (let second = 0; second < 10; second++) meter.count(98, 2, 0, micros(second * 1e6));
  assert.ok(Math.abs(meter.ppm - 20_000) < 1_000);
  for (let second = 10; second < 40; second++) meter.count(100, 0, 0, micros(second * 1e6));
  assert.ok(meter.ppm < 100);
  meter.count(0, -50, 0, micros(41e6));
  assert.equal(meter.ppm, 0);
});

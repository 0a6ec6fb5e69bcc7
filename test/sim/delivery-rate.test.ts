import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryRate } from "./delivery-rate.ts";

const RTT_US = 40_000;
const SPACING_US = 1_000;
const FLIGHT = 40;
/** Packets of one cycle: half of them are acknowledged in time, the others at its end. */
const CYCLE = 20;

test("acks that come too slowly and then catch up show no more than the rate at which their packets were sent", () => {
  const rate = new DeliveryRate(256);
  const rates: number[] = [];
  let acknowledged = 0;
  for (let n = 0; n < 5 * FLIGHT; n++) {
    const now = n * SPACING_US;
    rate.noteSent(n, n === 0, now);
    const due = n - FLIGHT;
    const intoCycle = Math.max(0, due % CYCLE);
    const end = due - Math.ceil(intoCycle / 2);
    if (end <= acknowledged) continue;
    while (acknowledged < end) rate.noteDelivered(acknowledged++);
    const { delivered, intervalUs } = rate.generate(RTT_US, now);
    if (intervalUs > 0) rates.push(delivered / intervalUs);
  }
  assert.ok(rates.length > FLIGHT);
  assert.ok(Math.max(...rates) * SPACING_US <= 1.03, `${Math.max(...rates) * SPACING_US} of the rate`);
});

test("a sample that is shorter than the smallest round trip counts for nothing", () => {
  const rate = new DeliveryRate(256);
  rate.noteSent(0, true, 0);
  rate.noteDelivered(0);
  assert.equal(rate.generate(RTT_US, RTT_US / 2).intervalUs, -1);
});

test("what was sent while there was nothing more to send is limited by the application", () => {
  const rate = new DeliveryRate(256);
  rate.markAppLimited(0);
  rate.noteSent(0, true, 0);
  rate.noteDelivered(0);
  assert.ok(rate.generate(RTT_US, RTT_US).isAppLimited);
  rate.noteSent(1, true, RTT_US);
  rate.noteDelivered(1);
  assert.ok(!rate.generate(RTT_US, 2 * RTT_US).isAppLimited);
});

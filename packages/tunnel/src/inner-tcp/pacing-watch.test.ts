import assert from "node:assert/strict";
import { test } from "node:test";
import { PacingWatch } from "./pacing-watch.ts";

const SILENCE_US = 20_000;
const LAN_US = 3_000;

test("a host that sends what an ack allows at once bursts, also behind a slow LAN", () => {
  assert.equal(
    verdictOf((n) => n * 10),
    "bursts",
  );
});

test("a host that spreads it over half of the silence paces", () => {
  assert.equal(
    verdictOf((n) => n * 500),
    "paced",
  );
});

test("nothing is said of what follows acks in close succession, or without data enough", () => {
  assert.equal(
    verdictOf((n) => n * 10, 3_000),
    "unknown",
  );
  assert.equal(
    verdictOf((n) => n * 10, SILENCE_US, 20),
    "unknown",
  );
});

test("a host that paces at 110 Mbit/s is not taken for one that bursts, although much comes in the first moment", () => {
  const watch = new PacingWatch();
  for (let at = 0; at < 6 * SILENCE_US; at += SILENCE_US) {
    watch.noteAck(SILENCE_US, at);
    for (let sentUs = 0; sentUs < 0.9 * SILENCE_US; sentUs += 102) watch.noteData(1_400, at + LAN_US + sentUs);
  }
  assert.equal(watch.verdict, "paced");
});

/** Twenty packets answer each ack, packet n so many µs after the first. */
function verdictOf(afterUs: (n: number) => number, silenceUs = SILENCE_US, packets = 60): PacingWatch["verdict"] {
  const watch = new PacingWatch();
  for (let n = 0; n < packets; n++) {
    const ackAt = 1e6 + Math.floor(n / 20) * SILENCE_US;
    if (n % 20 === 0) watch.noteAck(silenceUs, ackAt);
    watch.noteData(1_400, ackAt + LAN_US + afterUs(n % 20));
  }
  return watch.verdict;
}

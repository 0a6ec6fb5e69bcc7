import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowWatch } from "./flow-watch.ts";
import { StartupBunch } from "./startup-bunch.ts";

const RTT_US = 40_000;
const BOND_US = 140_000;
/** 50 Mbit/s, in bytes per µs: STARTUP's window may grow to 2.885 times what this is in 43 ms, 775 kB. */
const NEAR_RATE = 6.25;
const BOUND_BYTES = 775_000;
const PACKET_BYTES = 1_400;
/** Sequence numbers pass zero on the way. */
const SEQUENCE = 0xffff_0000;

test("acks wait from where STARTUP's window nears its bound until all of it is acknowledged", () => {
  const host = new StartupHost();
  const beganAt = host.run(1e6);
  assert.ok(host.windowBytes > 0.8 * BOUND_BYTES && host.windowBytes < BOUND_BYTES, `at ${host.windowBytes} bytes`);
  assert.equal(host.bunch.phase, "waiting");

  host.fill(beganAt);
  host.watch.noteAck((host.watch.endSequence - 20 * PACKET_BYTES) >>> 0, beganAt + RTT_US);
  assert.equal(host.bunch.end(host.watch, beganAt + RTT_US), false, "some of the window is still under way");
  host.watch.noteAck(host.watch.endSequence, beganAt + BOND_US);
  assert.equal(host.bunch.end(host.watch, beganAt + BOND_US), true);
  assert.equal(host.bunch.phase, "showing");
  assert.equal(host.bunch.begin(host.watch, NEAR_RATE, RTT_US, BOND_US, beganAt + BOND_US), false, "once in a flow");
});

test("a host that knows less than half of what the near paths carry goes on growing", () => {
  const host = new StartupHost();
  host.run(1e6, 3 * NEAR_RATE);
  assert.equal(host.bunch.phase, "seeking");
});

test("a host that does not use its window is not left waiting", () => {
  const host = new StartupHost();
  const beganAt = host.run(1e6);
  assert.equal(host.bunch.end(host.watch, beganAt + BOND_US), false);
  assert.equal(host.bunch.end(host.watch, beganAt + 2 * BOND_US), true);
});

/** A host in STARTUP over one path, whose acks come one by one as that path carries its data. */
class StartupHost {
  readonly watch = new FlowWatch(1, SEQUENCE);
  readonly bunch = new StartupBunch(SEQUENCE);
  windowBytes = 10 * PACKET_BYTES;
  #acknowledged = SEQUENCE;

  /** Until acks begin to wait, or for so long. Returns when. */
  run(endUs: number, nearRate = NEAR_RATE): number {
    const arrivals: { sequence: number; at: number }[] = [];
    let linkFreeAt = 0;
    for (let now = 0; now < endUs; now += 100) {
      while (this.watch.outstandingBytes + PACKET_BYTES <= this.windowBytes) {
        this.#send(now);
        linkFreeAt = Math.max(now, linkFreeAt) + PACKET_BYTES / NEAR_RATE;
        arrivals.push({ sequence: this.watch.endSequence, at: linkFreeAt + RTT_US });
      }
      while (arrivals.length > 0 && arrivals[0]!.at <= now) {
        const { sequence } = arrivals.shift()!;
        this.watch.noteAck(sequence, now);
        if (this.bunch.begin(this.watch, nearRate, RTT_US, BOND_US, now)) return now;
        this.bunch.noteAck(sequence, RTT_US, now);
        this.#acknowledged = sequence;
        if (this.windowBytes < BOUND_BYTES) this.windowBytes += PACKET_BYTES;
      }
    }
    return endUs;
  }

  /** Sends what its window still allows. */
  fill(now: number): void {
    while (((this.watch.endSequence - this.#acknowledged) | 0) + PACKET_BYTES <= this.windowBytes) this.#send(now);
  }

  #send(now: number): void {
    this.watch.noteData((this.watch.endSequence + PACKET_BYTES) >>> 0, PACKET_BYTES, now);
    this.bunch.noteData(this.watch.endSequence, now);
  }
}

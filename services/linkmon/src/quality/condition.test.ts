import assert from "node:assert/strict";
import { test } from "node:test";
import { common, link, telemetry } from "@edgebos/proto";
import type { Uplink } from "../detect/uplink.ts";
import { type ConditionInput, type ConditionState, nextCondition } from "./condition.ts";

const { LinkCondition, LinkKind, PathState } = common;

test("a link that answers goes from CONNECTING to UP at once", () => {
  const machine = new Machine();
  assert.equal(machine.step(0, { sample: pathIn(PathState.PROBING) }).condition, LinkCondition.CONNECTING);
  assert.equal(machine.step(500, {}).condition, LinkCondition.UP);
});

test("a link that nobody answers says after ten seconds what to check", () => {
  const machine = new Machine();
  const probing = { sample: pathIn(PathState.PROBING) };
  assert.match(machine.step(0, probing).reason, /Waiting/);
  assert.match(machine.step(9_500, probing).reason, /Waiting/);
  const late = machine.step(10_500, probing);
  assert.match(late.reason, /UDP port/);
  assert.equal(late.since, 0);
});

test("carrier loss is DOWN in the same step, and its sentence fits the kind", () => {
  const machine = new Machine();
  machine.step(0, {});
  const state = machine.step(1, { uplink: { ...UPLINK, carrier: false, kind: LinkKind.WIFI } });
  assert.equal(state.condition, LinkCondition.DOWN);
  assert.equal(state.reason, "Not connected to any Wi-Fi network.");
  assert.equal(machine.step(2, {}).condition, LinkCondition.UP);
});

test("each missing fact has its own sentence", () => {
  const reasons = [
    { ...UPLINK, ifindex: 0, up: false },
    { ...UPLINK, up: false },
    { ...UPLINK, sources: [] },
    { ...UPLINK, gatewayV4: "" },
  ].map((uplink) => new Machine().step(0, { uplink }));
  assert.ok(reasons.every(({ condition }) => condition === LinkCondition.DOWN));
  assert.deepEqual(
    reasons.map(({ cause }) => cause),
    ["absent", "off", "no-address", "no-gateway"],
  );
});

test("one report of a stall is not believed, two are", () => {
  const machine = new Machine();
  machine.step(0, {});
  assert.equal(machine.step(500, STALLED).condition, LinkCondition.UP);
  assert.equal(machine.step(1000, {}).condition, LinkCondition.UP);
  assert.equal(machine.step(1500, STALLED).condition, LinkCondition.UP);
  assert.equal(machine.step(2000, STALLED).condition, LinkCondition.STALLED);
});

test("a stalled link that is probed again is still STALLED, and UP with the first report that it answers", () => {
  const machine = new Machine();
  machine.step(0, {});
  machine.step(500, STALLED);
  machine.step(1000, STALLED);
  assert.equal(machine.step(1500, { sample: pathIn(PathState.PROBING) }).condition, LinkCondition.STALLED);
  assert.equal(machine.step(2000, {}).condition, LinkCondition.UP);
});

test("a link that falls silent again soon after its return is UP only after a second of answers", () => {
  const machine = new Machine();
  machine.step(0, {});
  for (const time of [500, 1000]) machine.step(time, STALLED);
  for (const time of [1500, 2000, 2500]) assert.equal(machine.step(time, {}).condition, LinkCondition.UP);
  for (const time of [3000, 3500]) machine.step(time, STALLED);
  assert.equal(machine.step(4000, {}).condition, LinkCondition.STALLED);
  assert.equal(machine.step(4500, STALLED).condition, LinkCondition.STALLED);
  for (const time of [5000, 5500]) assert.equal(machine.step(time, {}).condition, LinkCondition.STALLED);
  for (const time of [6000, 10_000]) assert.equal(machine.step(time, {}).condition, LinkCondition.UP);
  for (const time of [11_000, 11_500]) machine.step(time, STALLED);
  assert.equal(machine.step(12_000, {}).condition, LinkCondition.UP);
});

test("loss must last to degrade a link, and fall well below the bound to restore it", () => {
  const machine = new Machine();
  const lossy = (lossPpm: number) => ({ quality: qualityOf({ lossPpm }) });
  machine.step(0, {});
  assert.equal(machine.step(1000, lossy(80_000)).condition, LinkCondition.UP);
  const degraded = machine.step(3000, lossy(80_000));
  assert.equal(degraded.condition, LinkCondition.DEGRADED);
  assert.equal(degraded.reason, "Loses 8.0 % of the packets.");
  for (const time of [4000, 10_000, 20_000]) {
    assert.equal(machine.step(time, lossy(30_000)).condition, LinkCondition.DEGRADED);
  }
  assert.equal(machine.step(21_000, lossy(10_000)).condition, LinkCondition.DEGRADED);
  assert.equal(machine.step(26_000, lossy(10_000)).condition, LinkCondition.UP);
});

test("loss in the first moments of a link does not keep it from coming up", () => {
  const machine = new Machine();
  const lossy = { quality: qualityOf({ lossPpm: 150_000 }) };
  machine.step(0, { sample: pathIn(PathState.PROBING) });
  assert.equal(machine.step(500, lossy).condition, LinkCondition.UP);
  assert.equal(machine.step(1000, lossy).condition, LinkCondition.UP);
  assert.equal(machine.step(3000, lossy).condition, LinkCondition.DEGRADED);
});

test("loss that swings around the bound does not make the link flap", () => {
  const machine = new Machine();
  machine.step(0, {});
  let changes = 0;
  for (let time = 500; time < 120_000; time += 500) {
    const before = machine.state?.condition;
    const lossPpm = (time / 500) % 2 === 0 ? 30_000 : 70_000;
    if (machine.step(time, { quality: qualityOf({ lossPpm }) }).condition !== before) changes++;
  }
  assert.equal(changes, 0);
});

test("delay is judged by the link's own best", () => {
  const slow = new Machine();
  const satellite = { quality: qualityOf({ minRttUs: 600_000, rttUs: 700_000 }) };
  for (const time of [0, 1000, 5000]) assert.equal(slow.step(time, satellite).condition, LinkCondition.UP);
  const bloated = { quality: qualityOf({ minRttUs: 20_000, rttUs: 700_000 }) };
  slow.step(6000, bloated);
  const state = slow.step(8000, bloated);
  assert.equal(state.condition, LinkCondition.DEGRADED);
  assert.equal(state.reason, "A round trip takes 700 ms; its best is 20 ms.");
});

test("a restart of dataplane, or a dead bus, does not change what is known", () => {
  const machine = new Machine();
  machine.step(0, {});
  const silent = { sample: undefined, quality: undefined };
  assert.equal(machine.step(2000, { ...silent, report: "late" }).condition, LinkCondition.UP);
  assert.equal(machine.step(60_000, { ...silent, report: "unheard" }).condition, LinkCondition.UP);
  machine.step(61_000, { ...silent, report: "missing" });
  const lost = machine.step(62_000, { ...silent, report: "missing" });
  assert.equal(lost.condition, LinkCondition.CONNECTING);
  assert.equal(lost.cause, "no-report");
});

test("a link that dataplane's reports leave out has no path", () => {
  const machine = new Machine();
  machine.step(0, {});
  machine.step(500, { sample: undefined });
  const state = machine.step(1500, { sample: undefined });
  assert.deepEqual([state.condition, state.cause], [LinkCondition.CONNECTING, "no-path"]);
});

test("a new cause brings a new sentence without a new condition", () => {
  const machine = new Machine();
  machine.step(0, { uplink: { ...UPLINK, up: false } });
  const state = machine.step(5000, { uplink: { ...UPLINK, carrier: false } });
  assert.deepEqual([state.condition, state.cause, state.since], [LinkCondition.DOWN, "no-carrier", 0]);
});

test("a server's uplink is UP as soon as the interface can carry traffic", () => {
  const state = new Machine().step(0, { role: "server", sample: undefined, report: "missing" });
  assert.equal(state.condition, LinkCondition.UP);
});

class Machine {
  state: ConditionState | undefined;

  step(now: number, change: Partial<ConditionInput>): ConditionState {
    this.state = nextCondition(this.state, { ...GOOD_INPUT, ...change }, now);
    return this.state;
  }
}

function pathIn(state: common.PathState): telemetry.PathSample {
  return telemetry.PathSample.create({ state, srttUs: 20_000, minRttUs: 20_000 });
}

function qualityOf(change: Partial<link.LinkQuality>): link.LinkQuality {
  return link.LinkQuality.create({ rttUs: 20_000, minRttUs: 20_000, ...change });
}

const STALLED = { sample: pathIn(PathState.STALLED) };

const UPLINK: Uplink = {
  name: "eth0",
  ifindex: 2,
  kind: LinkKind.ETHERNET,
  mtuBytes: 1500,
  up: true,
  carrier: true,
  sources: [{ family: 4, address: "10.0.0.2", prefixLength: 24 }],
  gatewayV4: "10.0.0.1",
  gatewayV6: "",
};

const GOOD_INPUT: ConditionInput = {
  uplink: UPLINK,
  role: "client",
  sample: pathIn(PathState.UP),
  quality: qualityOf({}),
  report: "fresh",
};

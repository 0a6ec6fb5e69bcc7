import assert from "node:assert/strict";
import { test } from "node:test";
import { common, link, telemetry } from "@edgebos/proto";
import type { ManualInterface } from "@edgebos/service";
import { makePlan, type PlanState, type Situation } from "./make-plan.ts";
import { planEvents } from "./plan-events.ts";

const { Algorithm, LinkCondition, LinkRole, PathState } = common;

test("two good links both carry traffic, and the plan says so in a sentence", () => {
  const { plan } = makePlan(clientSituation([linkOf("eth0"), linkOf("wlan0")]), undefined);
  assert.equal(plan.algorithm, Algorithm.ADAPTIVE);
  assert.equal(plan.revision, 1);
  assert.equal(plan.summary, "Adaptive bonding over eth0 and wlan0.");
  assert.deepEqual(
    plan.links.map(({ link, enabled, reason }) => [link, enabled, reason]),
    [
      ["eth0", true, "Carries traffic."],
      ["wlan0", true, "Carries traffic."],
    ],
  );
});

test("the same situation again gives the same plan and revision", () => {
  const first = makePlan(clientSituation([linkOf("eth0")]), undefined);
  const second = makePlan(clientSituation([linkOf("eth0")], { now: 60_000 }), first);
  assert.equal(second.plan, first.plan);
});

test("a change raises the revision by one", () => {
  const first = makePlan(clientSituation([linkOf("eth0")]), undefined);
  const second = makePlan(clientSituation([linkOf("eth0"), linkOf("wlan0")], { unixMs: 77 }), first);
  assert.deepEqual([second.plan.revision, second.plan.createdMs], [2, 77]);
});

test("backup and metered links stay enabled with their role, so that dataplane can turn to them by itself", () => {
  const links = [
    linkOf("wwan0", { role: LinkRole.METERED }),
    linkOf("eth0"),
    linkOf("wwan1", { role: LinkRole.BACKUP }),
  ];
  const { plan } = makePlan(clientSituation(links), undefined);
  assert.deepEqual(
    plan.links.map(({ link, role, enabled }) => [link, role, enabled]),
    [
      ["eth0", LinkRole.PRIMARY, true],
      ["wwan1", LinkRole.BACKUP, true],
      ["wwan0", LinkRole.METERED, true],
    ],
  );
  assert.equal(plan.summary, "All traffic over eth0; wwan1 and wwan0 stand by.");
});

test("when no primary can carry traffic the backup does, and after it the metered link", () => {
  const dead = linkOf("eth0", { condition: LinkCondition.STALLED });
  const backup = linkOf("wwan1", { role: LinkRole.BACKUP });
  const metered = linkOf("wwan0", { role: LinkRole.METERED });
  const onBackup = makePlan(clientSituation([dead, backup, metered]), undefined);
  assert.equal(onBackup.plan.summary, "All traffic over wwan1 as backup; wwan0 stands by.");
  assert.equal(reasonOf(onBackup, "wwan1"), "Carries traffic, because no primary link can.");
  const onMetered = makePlan(clientSituation([dead, metered]), undefined);
  assert.equal(onMetered.plan.summary, "All traffic over wwan0 as metered link.");
  const nothing = makePlan(clientSituation([dead]), undefined);
  assert.equal(nothing.plan.summary, "No link can carry traffic at the moment.");
  assert.equal(nothing.plan.links[0]?.enabled, true);
});

test("the switch to a backup and back are events, a first plan is none", () => {
  const backup = linkOf("wwan1", { role: LinkRole.BACKUP });
  const good = makePlan(clientSituation([linkOf("eth0"), backup]), undefined);
  assert.deepEqual(planEvents(undefined, good), []);
  const bad = makePlan(clientSituation([linkOf("eth0", { condition: LinkCondition.DOWN }), backup]), good);
  const again = makePlan(clientSituation([linkOf("eth0"), backup]), bad);
  const none = makePlan(clientSituation([]), again);
  const codes = [planEvents(good, bad), planEvents(bad, again), planEvents(again, none)].map((list) =>
    list.map(({ severity, code }) => `${severity} ${code}`),
  );
  assert.deepEqual(codes, [["warning backup-in-use"], ["info primary-in-use"], ["error no-usable-link"]]);
});

test("a link that the operator configured is planned for although it is absent", () => {
  const manual: ManualInterface = { name: "wwan0", role: "metered", priority: 1, weight: 2, rate_limit_mbit: 5 };
  const { plan } = makePlan(clientSituation([linkOf("eth0")], { manual: [manual] }), undefined);
  const entry = plan.links.find(({ link }) => link === "wwan0");
  assert.deepEqual([entry?.role, entry?.rateLimitBps, entry?.enabled], [LinkRole.METERED, 5_000_000, true]);
});

test("within a role the wanted link comes first", () => {
  const links = [linkOf("a"), linkOf("b", { priority: 2 }), linkOf("c", { priority: 1 })];
  const { plan } = makePlan(clientSituation(links), undefined);
  assert.deepEqual(
    plan.links.map(({ link }) => link),
    ["c", "b", "a"],
  );
});

test("`weighted` uses the configured weights, and 1 for links without", () => {
  const manual: ManualInterface = { name: "eth0", role: "primary", priority: 0, weight: 3, rate_limit_mbit: 0 };
  const links = [linkOf("eth0", { weight: 3 }), linkOf("wlan0")];
  const { plan } = makePlan(clientSituation(links, { manual: [manual], algorithm: "weighted" }), undefined);
  assert.deepEqual(
    plan.links.map(({ weight }) => weight),
    [3, 1],
  );
});

test("without configured weights they follow the capacities; an unknown one counts as the mean of the others", () => {
  const links = [linkOf("eth0", { mbit: 60 }), linkOf("wlan0", { mbit: 20 }), linkOf("wwan0")];
  const { plan } = makePlan(clientSituation(links, { algorithm: "weighted" }), undefined);
  assert.deepEqual(
    plan.links.map(({ weight }) => weight),
    [60, 20, 40],
  );
});

test("a capacity that breathes brings no new plan, one that halves does", () => {
  let state = makePlan(clientSituation([linkOf("eth0", { mbit: 50 })]), undefined);
  for (let second = 1; second < 60; second++) {
    const mbit = 50 + (second % 2 === 0 ? 10 : -10);
    state = makePlan(clientSituation([linkOf("eth0", { mbit })], { now: second * 1000 }), state);
  }
  assert.equal(state.plan.revision, 1);
  state = makePlan(clientSituation([linkOf("eth0", { mbit: 25 })], { now: 60_000 }), state);
  assert.deepEqual([state.plan.revision, state.plan.links[0]?.weight], [2, 25]);
});

test("a hopeless link rests after five seconds, is tried again, and rests longer after a relapse", () => {
  const links = [linkOf("eth0"), linkOf("wwan0", { lossPpm: 400_000 })];
  const log: [number, boolean][] = [];
  let state: PlanState | undefined;
  for (let second = 0; second <= 60; second++) {
    state = makePlan(clientSituation(links, { now: second * 1000 }), state);
    const enabled = state.plan.links.find(({ link }) => link === "wwan0")!.enabled;
    if (log.at(-1)?.[1] !== enabled) log.push([second, enabled]);
  }
  assert.deepEqual(log, [
    [0, true],
    [5, false],
    [20, true],
    [26, false],
    [56, true],
  ]);
});

test("the last usable link of its role never rests, and of several hopeless ones the best works on", () => {
  const worse = linkOf("wwan0", { lossPpm: 600_000 });
  const bad = linkOf("wwan1", { lossPpm: 400_000 });
  const metered = linkOf("wwan2", { role: LinkRole.METERED });
  let state: PlanState | undefined;
  for (let second = 0; second <= 10; second++) {
    state = makePlan(clientSituation([worse, bad, metered], { now: second * 1000 }), state);
  }
  assert.deepEqual(
    state!.plan.links.map(({ link, enabled }) => [link, enabled]),
    [
      ["wwan0", false],
      ["wwan1", true],
      ["wwan2", true],
    ],
  );
});

test("one bad second is not enough for a rest", () => {
  let state = makePlan(clientSituation([linkOf("eth0"), linkOf("wwan0", { lossPpm: 500_000 })]), undefined);
  state = makePlan(clientSituation([linkOf("eth0"), linkOf("wwan0")], { now: 1000 }), state);
  state = makePlan(clientSituation([linkOf("eth0"), linkOf("wwan0", { lossPpm: 500_000 })], { now: 5500 }), state);
  assert.ok(state.plan.links.every(({ enabled }) => enabled));
});

test("a server plans for each client's path and leaves role and limit to the client", () => {
  const paths = [pathOf("van-1", "eth0"), pathOf("van-1", "wwan0"), pathOf("van-2", "eth0")];
  const { plan } = makePlan({ ...clientSituation([]), config: configOf("server"), paths }, undefined);
  assert.deepEqual(
    plan.links.map(({ peer, link, role, rateLimitBps, enabled }) => [peer, link, role, rateLimitBps, enabled]),
    [
      ["van-1", "eth0", LinkRole.UNSPECIFIED, 0, true],
      ["van-1", "wwan0", LinkRole.UNSPECIFIED, 0, true],
      ["van-2", "eth0", LinkRole.UNSPECIFIED, 0, true],
    ],
  );
  assert.equal(plan.summary, "Adaptive bonding over 3 paths of 2 clients.");
});

test("on a server the last path of each client works on, whatever the others' paths are like", () => {
  const paths = [pathOf("van-1", "eth0", 500_000), pathOf("van-2", "eth0")];
  let state: PlanState | undefined;
  for (let second = 0; second <= 10; second++) {
    state = makePlan({ ...clientSituation([]), config: configOf("server"), paths, now: second * 1000 }, state);
  }
  assert.ok(state!.plan.links.every(({ enabled }) => enabled));
});

test("a client that leaves a server is no alarm of the scheduler's", () => {
  const one = makePlan(
    { ...clientSituation([]), config: configOf("server"), paths: [pathOf("van-1", "eth0")] },
    undefined,
  );
  const none = makePlan({ ...clientSituation([]), config: configOf("server"), paths: [] }, one);
  assert.equal(none.plan.summary, "No client is connected.");
  assert.deepEqual(planEvents(one, none), []);
});

interface Change {
  readonly now?: number;
  readonly unixMs?: number;
  readonly manual?: ManualInterface[];
  readonly algorithm?: Situation["config"]["bonding"]["algorithm"];
}

function clientSituation(links: link.Link[], change: Change = {}): Situation {
  const { now = 0, unixMs = 1000, manual = [], algorithm = "adaptive" } = change;
  return { config: configOf("client", manual, algorithm), links, paths: [], now, unixMs };
}

function configOf(
  role: "client" | "server",
  manual: ManualInterface[] = [],
  algorithm: Situation["config"]["bonding"]["algorithm"] = "adaptive",
): Situation["config"] {
  return { role, bonding: { algorithm, copies: 2, fec: "auto" }, interfaces: { manual } };
}

function linkOf(name: string, change: Partial<link.Link> & { mbit?: number; lossPpm?: number } = {}): link.Link {
  const { mbit = 0, lossPpm = 0, ...rest } = change;
  const quality = link.LinkQuality.create({ capacityUpBps: mbit * 1e6, lossPpm });
  const defaults = { name, role: LinkRole.PRIMARY, weight: 1, condition: LinkCondition.UP, quality };
  return link.Link.fromPartial({ ...defaults, ...rest });
}

function pathOf(peer: string, name: string, lossPpm = 0): telemetry.PathSample {
  return telemetry.PathSample.fromPartial({ peer, link: name, state: PathState.UP, lossPpm });
}

function reasonOf(state: PlanState, name: string): string | undefined {
  return state.plan.links.find(({ link }) => link === name)?.reason;
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { common, type management as messages, type telemetry } from "@edgebos/proto";
import { sampleConfig, sampleLink, samplePath, samplePeer, samplePlan, sampleTelemetry } from "../fixtures/samples.ts";
import { NodeState } from "../state/node-state.ts";
import { Management } from "./management.ts";

const { PathState } = common;

describe("the status of a client", () => {
  test("is ready with a connected session and a path that is up", async () => {
    const { core } = node("client", ["wlan0", "wwan0"], [samplePath("wlan0"), samplePath("wwan0")]);
    const status = await core.getStatus();
    assert.equal(status.ready, true);
    assert.equal(status.summary, "Connected to bond.example.net:8443 over 2 of 2 links.");
    assert.equal(status.role, common.NodeRole.CLIENT);
    assert.equal(status.node, "gate-1");
  });

  test("names the links that are not in use", async () => {
    const { core } = node(
      "client",
      ["wlan0", "wwan0"],
      [samplePath("wlan0", { state: PathState.STALLED }), samplePath("wwan0")],
    );
    assert.equal(
      (await core.getStatus()).summary,
      "Connected to bond.example.net:8443 over 1 of 2 links; not in use: wlan0.",
    );
  });

  test("is not ready without a path, and says whether links, carrier or answer is missing", async () => {
    const lost = [samplePeer("server", { connected: false })];
    const summary = async (links: string[], paths: telemetry.PathSample[]) => {
      const status = await node("client", links, paths, lost).core.getStatus();
      assert.equal(status.ready, false);
      return status.summary;
    };
    assert.match(await summary([], []), /no link was found; plug one in/);
    assert.match(await summary(["wlan0"], []), /no answer yet; see that the address is right/);
    const bare = node("client", [], [], lost);
    bare.state.setLink("eth0", sampleLink("eth0", { carrier: false }));
    assert.match((await bare.core.getStatus()).summary, /none of 1 link has a carrier and an address/);
    const dead = node("client", ["wlan0"], [samplePath("wlan0", { state: PathState.STALLED })]);
    assert.match((await dead.core.getStatus()).summary, /none of 1 link carries traffic/);
  });

  test("says that the dataplane is missing when neither telemetry nor answer comes", async () => {
    const core = management(new NodeState(), "client", []);
    const status = await core.getStatus();
    assert.deepEqual(
      [status.ready, status.summary],
      [false, "The dataplane does not answer, so nothing is forwarded; see its log."],
    );
  });
});

describe("the status of a server", () => {
  test("counts clients and paths", async () => {
    const paths = [
      samplePath("a", { peer: "van" }),
      samplePath("b", { peer: "van" }),
      samplePath("a", { peer: "hut" }),
    ];
    const { core } = node("server", [], paths, [samplePeer("van"), samplePeer("hut")]);
    const status = await core.getStatus();
    assert.deepEqual([status.ready, status.summary], [true, "Serving 2 clients over 3 paths."]);
  });

  test("is ready without a client", async () => {
    const { core } = node("server", [], [], []);
    assert.equal((await core.getStatus()).summary, "Listening on port 8443; no client is connected.");
    assert.equal((await core.getStatus()).ready, true);
  });
});

describe("links", () => {
  test("of a client come with path and plan; a path without a link is listed too", async () => {
    const { core, state } = node("client", ["wlan0", "eth0"], [samplePath("wlan0"), samplePath("gone0")]);
    state.setPlan(samplePlan("wlan0"));
    const { links } = await core.listLinks();
    assert.deepEqual(
      links.map(({ link, path, plan }) => [link?.name, path?.link, plan?.link]),
      [
        ["eth0", undefined, undefined],
        ["wlan0", "wlan0", "wlan0"],
        [undefined, "gone0", undefined],
      ],
    );
    assert.equal((await core.getLink("wlan0")).link?.name, "wlan0");
    await assert.rejects(core.getLink("wlan9"), {
      code: "link-unknown",
      kind: "not-found",
      message: /known are eth0, wlan0, gone0/,
    });
  });

  test("of a server are its clients' paths, found by client and link", async () => {
    const paths = [samplePath("a", { peer: "van" }), samplePath("a", { peer: "hut" })];
    const { core } = node("server", [], paths, []);
    assert.equal((await core.getLink("hut/a")).path?.peer, "hut");
    await assert.rejects(core.getLink("a"), { code: "link-unknown" });
  });
});

test("statistics sum the rates of all paths", async () => {
  const { core } = node("client", [], [samplePath("a"), samplePath("b")]);
  const { txRateBps, rxRateBps, timeMs } = await core.getStatistics();
  assert.deepEqual([txRateBps, rxRateBps, timeMs], [2_000_000, 10_000_000, 1_700_000_000_000]);
});

function node(
  role: "client" | "server",
  links: readonly string[],
  paths: readonly telemetry.PathSample[],
  peers: readonly telemetry.PeerSample[] = [samplePeer("server")],
) {
  const state = new NodeState();
  for (const name of links) state.setLink(name, sampleLink(name));
  state.setTelemetry(sampleTelemetry(paths, peers), 0);
  const dataplane = { name: "dataplane", healthy: true, detail: "", pid: 1, startedMs: 0, rssBytes: 0 };
  return { state, core: management(state, role, [dataplane]) };
}

function management(state: NodeState, role: "client" | "server", services: messages.ServiceStatus[]): Management {
  const configuration = {
    read: () => ({ yaml: "", revision: "" }),
    update: () => Promise.reject(new Error("is not part of these tests")),
  };
  return new Management({
    config: sampleConfig(role),
    startedMs: 1,
    state,
    services: { statuses: async () => services },
    configuration,
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { flowsOf, parseCommandLine, profileLabel, profilesOf } from "./options.ts";

test("without options, every profile, both directions and both senders are measured, three times, and MPTCP as often", () => {
  const { tables, options } = parseCommandLine(["profiles"]);
  assert.deepEqual(tables, ["profiles"]);
  assert.deepEqual([options.runs, options.mptcpRuns, options.tcpBufferBytes], [3, 3, undefined]);
  assert.equal(flowsOf(options).length, 4);
  assert.ok(profilesOf(options).length > 16);
});

test("filters choose a part of a table", () => {
  const { options } = parseCommandLine(["profiles", "--profile", "loss_2", "--sender", "bbr", "--no-mptcp"]);
  assert.deepEqual(
    profilesOf(options).map(([name]) => name),
    ["loss_2"],
  );
  assert.deepEqual(flowsOf(options), [
    { direction: "upload", congestionControl: "bbr" },
    { direction: "download", congestionControl: "bbr" },
  ]);
  assert.equal(options.mptcpRuns, 0);
});

test("a table's own choice of flows holds where none is asked for", () => {
  const { options } = parseCommandLine(["single", "--direction", "download"]);
  assert.deepEqual(flowsOf(options, ["upload"], ["cubic"]), [{ direction: "download", congestionControl: "cubic" }]);
});

test("sizes of windows are bytes, and rows with other windows have a name of their own", () => {
  const { options } = parseCommandLine(["profiles", "--buffers", "32MB"]);
  assert.equal(options.tcpBufferBytes, 32 * 2 ** 20);
  assert.equal(profileLabel("lte_geo", options), "lte_geo, 32 MB windows");
});

test("rows of flows that have run for longer have a name of their own", () => {
  const { options } = parseCommandLine(["profiles", "--omit", "12", "--buffers", "32MB"]);
  assert.equal(options.omitSeconds, 12);
  assert.equal(profileLabel("rtt_120", options), "rtt_120, 32 MB windows, after 12 s");
  assert.equal(profileLabel("rtt_120", parseCommandLine(["profiles"]).options), "rtt_120");
});

test("what is not known is refused with a sentence that says what there is", () => {
  assert.throws(() => parseCommandLine(["--profile", "moon"]), /--profile moon: there are baseline, /);
  assert.throws(() => parseCommandLine(["--sender", "reno"]), /--sender reno: there are cubic, bbr\./);
  assert.throws(() => parseCommandLine(["--runs", "0"]), /--runs 0: a whole number from 1 up is wanted\./);
  assert.throws(() => parseCommandLine(["--buffers", "much"]), /a size like 32MB/);
});

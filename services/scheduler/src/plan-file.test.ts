import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { plan } from "@edgebos/proto";
import { loadPlan, savePlan } from "./plan-file.ts";

test("a saved plan is read back as it was", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "scheduler-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "scheduler", "plan.bin");
  const saved = plan.ForwardingPlan.fromPartial({
    revision: 7,
    createdMs: 1_700_000_000_000,
    algorithm: 4,
    links: [{ link: "eth0", enabled: true, role: 1, weight: 2.5, rateLimitBps: 5e6, reason: "Carries traffic." }],
    summary: "All traffic over eth0.",
  });
  savePlan(file, saved);
  assert.deepEqual(loadPlan(file), saved);
});

test("a missing or broken file is no plan", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "scheduler-"));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(loadPlan(join(directory, "plan.bin")), undefined);
  writeFileSync(join(directory, "plan.bin"), "\x0a\xff\xff");
  assert.equal(loadPlan(join(directory, "plan.bin")), undefined);
});

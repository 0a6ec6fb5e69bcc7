import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DASHBOARD_FILE, dashboard } from "./dashboard.ts";

test("the dashboard that Grafana reads is the one that the code describes", () => {
  const written = JSON.parse(readFileSync(DASHBOARD_FILE, "utf8"));
  assert.deepEqual(written, dashboard(), "run: node deploy/grafana/dashboard.ts");
});

test("every panel has a place of its own and a query with the chosen node", () => {
  const panels = (dashboard() as { panels: PanelJson[] }).panels;
  const taken = new Set<string>();
  for (const { type, title, gridPos, targets } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} overlaps another panel`);
        taken.add(`${x} ${y}`);
      }
    }
    if (type !== "row")
      assert.ok(
        targets!.every(({ expr }) => expr.includes("$node")),
        title,
      );
  }
});

interface PanelJson {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

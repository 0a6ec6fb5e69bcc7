import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRows, type Table } from "./report.ts";

const SECTION = `<!-- t -->
## T

| profile | flow | Mbit/s |
| --- | --: | --: |
| baseline | upload | 90 |
| baseline | download | 91 |
| loss_2 | upload | 80 |
<!-- end of t -->`;

test("a part replaces its rows, stands beside its profile's others, and leaves the rest", () => {
  const merged = mergeRows(
    SECTION,
    table(
      ["profile", "flow", "Mbit/s"],
      [
        ["baseline", "download", "95"],
        ["baseline", "both", "7"],
        ["twolegs", "upload", "170"],
      ],
    ),
  );
  assert.deepEqual(merged.rows, [
    ["baseline", "upload", "90"],
    ["baseline", "download", "95"],
    ["baseline", "both", "7"],
    ["loss_2", "upload", "80"],
    ["twolegs", "upload", "170"],
  ]);
});

test("rows of a section with other columns do not survive, nor is a section needed", () => {
  const fresh = table(["profile", "flow", "share"], [["baseline", "upload", "0.9"]]);
  assert.deepEqual(mergeRows(SECTION, fresh).rows, fresh.rows);
  assert.deepEqual(mergeRows("", fresh).rows, fresh.rows);
});

function table(header: readonly string[], rows: readonly (readonly string[])[]): Table {
  return { title: "T", about: "", header, rows, parts: { keyCells: 2, how: "1 × 1 s" } };
}

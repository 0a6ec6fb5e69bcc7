import assert from "node:assert/strict";
import { test } from "node:test";
import { RefusalLog } from "./refusal-log.ts";

test("every refusal counts, but a flood of them fills no log, and the gap is told", () => {
  const lines: { silenced: number }[] = [];
  const log = new RefusalLog((_text, fields) => lines.push({ silenced: Number(fields.silenced) }));
  for (let i = 0; i < 1000; i++) log.add("tls", "192.0.2.1 port 1", "wrong version number", i);
  assert.equal(log.counts.get("tls"), 1000);
  assert.equal(lines.length, 5);
  log.add("tls", "192.0.2.1 port 1", "wrong version number", 20_000);
  assert.deepEqual(lines.at(-1), { silenced: 995 });
});

test("one kind of refusal does not silence another", () => {
  const reasons: string[] = [];
  const log = new RefusalLog((_text, fields) => reasons.push(String(fields.reason)));
  for (let i = 0; i < 100; i++) log.add("tls", "x", "y", 0);
  log.add("unknown-client", "x", "y", 0);
  assert.equal(reasons.at(-1), "unknown-client");
});

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crossings } from "./boundaries.mjs";
import { ROOT } from "./common.mjs";

const PACKAGES = ["proto", "packages/tunnel", "packages/linux-io", "packages/service", "packages/cli"];
const SERVICES = ["services/dataplane", "services/linkmon", "services/scheduler", "services/api"];

test("imports that leave a package against the arrows are found", (t) => {
  const root = mkdtempSync(join(tmpdir(), "edgebos-boundaries-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const directory of [...PACKAGES, ...SERVICES]) {
    mkdirSync(join(root, directory), { recursive: true });
    cpSync(join(ROOT, directory, "package.json"), join(root, directory, "package.json"));
  }
  const write = (file, code) => writeFileSync(join(root, file), code);
  write("packages/tunnel/fine.ts", 'import { a } from "./other.ts";\nimport "node:fs";\n');
  write("packages/tunnel/up.ts", 'import type { Config } from "@edgebos/service";\n');
  write("packages/service/out.ts", 'export { x } from "../tunnel/src/x.ts";\n');
  write("services/scheduler/lazy.ts", 'const k = await import("koffi");\n');
  write("services/scheduler/comment.ts", '// import { x } from "koffi";\n');
  write("services/scheduler/some.test.ts", 'import fc from "fast-check";\n');
  assert.deepEqual(crossings(root), [
    "packages/tunnel/up.ts: import of @edgebos/service: packages/tunnel may not know packages/service",
    "packages/service/out.ts: import of ../tunnel/src/x.ts: a relative import leaves its package",
    "services/scheduler/lazy.ts: import of koffi: it is not among the package's dependencies",
  ]);
});

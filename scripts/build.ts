/**
 * Builds the services and the commands into `.tools/build`, unless they were built from these very sources. `start` runs the build
 * while it is current, and the sources otherwise.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_STAMP, codeStamp } from "../packages/cli/src/supervisor/build.ts";

const ROOT = join(import.meta.dirname, "..");
const BUILD = join(ROOT, ".tools", "build");
const FRESH = `${BUILD}.new`;

const stampFile = join(BUILD, BUILD_STAMP);
const stamp = codeStamp(ROOT);
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  process.stdout.write("Building the services ...\n");
  rmSync(FRESH, { recursive: true, force: true });
  execFileSync(process.execPath, [join(ROOT, "deploy", "bundle.ts"), "--out", FRESH], { stdio: "inherit" });
  writeFileSync(join(FRESH, BUILD_STAMP), stamp);
  rmSync(BUILD, { recursive: true, force: true });
  renameSync(FRESH, BUILD);
}

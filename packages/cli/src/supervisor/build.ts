import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The repository, or the directory of an installed copy of it. */
export const ROOT = join(import.meta.dirname, "../../../..");

/** What `npm run setup` builds from the sources: see `scripts/bootstrap/workspace.mjs`. */
const BUILD = join(ROOT, ".tools", "build");
/** Holds the stamp of the sources that the build was made from. */
export const BUILD_STAMP = "built-from";

/**
 * The directory to run services from: the build, if it was made from these very sources, else the sources. A build needs a
 * sixth less memory and starts sooner; what runs is always what the sources say.
 */
export function codeRoot(): string {
  const stampFile = join(BUILD, BUILD_STAMP);
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === codeStamp(ROOT) ? BUILD : ROOT;
}

/** The command line to run a supervisor with: the build's, if there is a current one. */
export function supervisorMain(): string {
  const built = join(codeRoot(), "packages", "cli", "dist", "main.js");
  return existsSync(built) ? built : process.argv[1]!;
}

/** Changes whenever a source file, a dependency or Node does. */
export function codeStamp(root: string): string {
  const files = globSync(
    [
      "packages/*/src/**/*.ts",
      "services/*/src/**/*.ts",
      "proto/gen/**/*.ts",
      "proto/*.ts",
      "deploy/*.ts",
      "pnpm-lock.yaml",
    ],
    { cwd: root },
  );
  const hash = createHash("sha256").update(process.version);
  for (const file of files.filter((name) => !name.endsWith(".test.ts")).sort()) {
    const { mtimeMs, size } = statSync(join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex");
}

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, ROOT, say, TOOLS } from "./common.mjs";
import { ensurePnpm, workspaceEnvironment } from "./node.mjs";

const WEB_SOURCES = "services/api/web";
const WEB_PAGE = "services/api/dist/web/index.html";

/** Installs the workspace's packages, unless they were installed for this very lock file. */
export async function ensurePackages(node) {
  const stamp = createHash("sha256");
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) stamp.update(readFileSync(join(ROOT, file)));
  await unlessStamped(
    "packages-installed-for",
    stamp.digest("hex"),
    existsSync(join(ROOT, "node_modules")),
    async () => {
      const pnpm = await ensurePnpm();
      say("Installing the packages of the workspace (under a minute, longer on the first run) ...");
      const advice = "The packages could not be installed: check the network and run this again.";
      await mustRun(node, [pnpm, "install", "--frozen-lockfile"], advice, { env: quietly(node), quiet: true });
    },
  );
}

/** Builds the dashboard, unless it was built from these very sources. */
export async function ensureDashboard(node) {
  const stamp = filesStamp(join(ROOT, WEB_SOURCES));
  await unlessStamped("dashboard-built-from", stamp, existsSync(join(ROOT, WEB_PAGE)), async () => {
    say("Building the dashboard ...");
    const vite = join(ROOT, "services/api/node_modules/vite/bin/vite.js");
    await mustRun(node, [vite, "build", "--config", "web/vite.config.ts"], "The dashboard could not be built.", {
      cwd: join(ROOT, "services/api"),
      env: quietly(node),
      quiet: true,
    });
  });
}

/** Builds the services from their sources, unless that is done; `scripts/build.ts` says when. */
export async function ensureBuild(node) {
  const args = ["--disable-warning=ExperimentalWarning", join(ROOT, "scripts/build.ts")];
  await mustRun(node, args, "The services could not be built.", { env: workspaceEnvironment(node) });
}

async function unlessStamped(name, stamp, isThere, action) {
  const file = join(TOOLS, name);
  if (isThere && existsSync(file) && readFileSync(file, "utf8") === stamp) return;
  await action();
  mkdirSync(TOOLS, { recursive: true });
  writeFileSync(file, stamp);
}

/** pnpm asks questions on a terminal; CI tells it not to. */
function quietly(node) {
  return { ...workspaceEnvironment(node), CI: "true" };
}

function filesStamp(directory) {
  const hash = createHash("sha256");
  for (const file of filesBelow(directory).sort()) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex");
}

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

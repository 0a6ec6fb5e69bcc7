import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/**
 * The arrows of the architecture: what each package may import of the others. They point inward only, hence there is no cycle.
 * `test`, `scripts` and `deploy` are outside of everything and may import anything.
 */
const MAY_IMPORT = {
  proto: [],
  "packages/tunnel": [],
  "packages/linux-io": ["packages/tunnel"],
  "packages/service": ["proto"],
  "packages/cli": ["proto", "packages/service"],
  "services/dataplane": ["proto", "packages/tunnel", "packages/linux-io", "packages/service"],
  "services/linkmon": ["proto", "packages/linux-io", "packages/service"],
  "services/scheduler": ["proto", "packages/service"],
  "services/api": ["proto", "packages/service"],
};

/** Matches the specifier of static, dynamic and re-exporting imports. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bimport\.meta\.resolve\(\s*)"([^"\s]+)"/g;

/** Each import that leaves its package in a way that the architecture does not allow, as one line. */
export function crossings(root) {
  const names = packageNames(root);
  return Object.entries(MAY_IMPORT).flatMap(([directory, allowed]) => {
    const declared = declaredDependencies(root, directory);
    return sourceFiles(root, directory).flatMap((file) =>
      specifiers(join(root, file)).flatMap((specifier) => {
        const fault = faultOf(specifier, { root, file, directory, allowed, declared, names });
        return fault === undefined ? [] : [`${file}: import of ${specifier}: ${fault}`];
      }),
    );
  });
}

function faultOf(specifier, { root, file, directory, allowed, declared, names }) {
  if (specifier.startsWith(".")) {
    const target = relative(join(root, directory), resolve(root, dirname(file), specifier));
    return target.startsWith(`..${sep}`) ? "a relative import leaves its package" : undefined;
  }
  if (specifier.startsWith("node:")) return undefined;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const target = names.get(name);
  if (target !== undefined && target !== directory && !allowed.includes(target))
    return `${directory} may not know ${target}`;
  return declared.has(name) || isTest(file) ? undefined : "it is not among the package's dependencies";
}

/** Names of the workspace's packages, and where they are. */
function packageNames(root) {
  return new Map(Object.keys(MAY_IMPORT).map((directory) => [manifest(root, directory).name, directory]));
}

function declaredDependencies(root, directory) {
  const { name, dependencies = {}, devDependencies = {} } = manifest(root, directory);
  return new Set([name, ...Object.keys(dependencies), ...Object.keys(devDependencies)]);
}

function manifest(root, directory) {
  return JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8"));
}

function sourceFiles(root, directory) {
  return filesBelow(join(root, directory))
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file))
    .map((file) => relative(root, file));
}

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (["node_modules", "dist", "gen"].includes(entry.name)) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function specifiers(file) {
  const code = readFileSync(file, "utf8").replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, "");
  return [...code.matchAll(IMPORT)].map(([, specifier]) => specifier);
}

/** Tests may use what the root of the workspace has, e.g. fast-check. */
function isTest(file) {
  return /\.test\.ts$|\/fixtures\//.test(file);
}

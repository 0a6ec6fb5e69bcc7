import { cpSync, existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Wanted {
  readonly name: string;
  /** Real directory of the package that needs it. */
  readonly from: string;
  /** Where that package is copied to. */
  readonly dependent: string;
  readonly optional: boolean;
}

/**
 * Copies packages, as `importer` sees them, with all they depend on, into one flat `node_modules` of `destination`; a
 * second version of a package goes below the one that needs it. Optional dependencies that are not installed (other
 * platforms' binaries) are left out.
 */
export function copyPackages(importer: string, names: readonly string[], destination: string): void {
  const pending: Wanted[] = names.map((name) => ({ name, from: importer, dependent: destination, optional: false }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const source = installed(next.name, next.from);
    if (source === undefined && next.optional) continue;
    if (source === undefined)
      throw new Error(`${next.name}, needed by ${next.from}, is not installed: run pnpm install`);
    const manifest = manifestOf(source);
    const target = freePlace(manifest, [destination, next.dependent]);
    if (target === undefined) continue;
    cpSync(source, target, { recursive: true, filter: (path) => !path.slice(source.length).includes("/node_modules") });
    const want = (name: string, optional: boolean) => pending.push({ name, from: source, dependent: target, optional });
    for (const name of Object.keys(manifest.dependencies ?? {})) want(name, false);
    for (const name of Object.keys(manifest.optionalDependencies ?? {})) want(name, true);
  }
}

/** The first of the places without the package in another version; undefined if this version is there already. */
function freePlace({ name, version }: Manifest, places: readonly string[]): string | undefined {
  for (const place of places) {
    const target = join(place, "node_modules", name);
    if (!existsSync(target)) return target;
    if (manifestOf(target).version === version) return undefined;
  }
  throw new Error(`no place for ${name} ${version} below ${places.join(" or ")}`);
}

/** The real directory of a package, looked up from `from` as Node does. */
function installed(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (directory === dirname(directory)) return undefined;
  }
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
}

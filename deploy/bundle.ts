/**
 * Bundles the four services and the commands for images and tarballs: `bundle.ts --out DIR`. DIR then has the layout of
 * the repository, with one `dist/main.js` per service in place of its sources, so every path that the code makes from
 * its own place leads to the same file as before. Third-party packages that look for files of their own, or are native,
 * are copied whole; all others are bundled.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import * as esbuild from "esbuild";
import { copyPackages } from "./copy-packages.ts";

const ROOT = join(import.meta.dirname, "..");

/** Native, or finds files beside its own code at run time. */
const UNBUNDLED = ["koffi", "@grpc/reflection", "grpc-health-check"];
/** What is copied whole uses this gRPC, and there must be one only; bundled it would need less memory. */
const UNBUNDLED_IN_API = [...UNBUNDLED, "@grpc/grpc-js"];

/** Where each bundle's entry points lie; they are written as `dist/<name>.js` of the same directory. */
const BUNDLES: readonly { readonly directory: string; readonly entries: readonly string[] }[] = [
  { directory: "services/dataplane", entries: ["src/main.ts", "src/loop/worker.ts"] },
  { directory: "services/linkmon", entries: ["src/main.ts"] },
  { directory: "services/scheduler", entries: ["src/main.ts"] },
  { directory: "services/api", entries: ["src/main.ts"] },
  { directory: "packages/cli", entries: ["src/main.ts"] },
];

/** Files that the code reads at run time. The dashboard must have been built before. */
const ASSETS = ["proto/gen/descriptor.binpb", "services/api/dist/web", "config.example.yaml"];

/** CommonJS packages ask for Node's own modules with `require`, which an ES module does not have. */
const REQUIRE_BANNER =
  'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);';

const { out } = parseArgs({ options: { out: { type: "string" } }, strict: true }).values;
if (out === undefined) throw new Error("say where to write the bundle: bundle.ts --out DIR");
for (const { directory, entries } of BUNDLES) await bundle(directory, entries, out);
for (const asset of ASSETS) cpSync(join(ROOT, asset), join(out, asset), { recursive: true });
copyPackages(join(ROOT, "packages/linux-io"), ["koffi"], out);
copyPackages(join(ROOT, "services/api"), ["@grpc/grpc-js", "@grpc/reflection", "grpc-health-check"], out);
writeFileSync(join(out, "package.json"), `${JSON.stringify({ type: "module", private: true })}\n`);

async function bundle(directory: string, entries: readonly string[], destination: string): Promise<void> {
  const outdir = join(destination, directory, "dist");
  mkdirSync(outdir, { recursive: true });
  const { outputFiles } = await esbuild.build({
    entryPoints: entries.map((entry) => join(ROOT, directory, entry)),
    entryNames: "[name]",
    chunkNames: "chunk-[hash]",
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: "linked",
    sourcesContent: false,
    external: directory === "services/api" ? UNBUNDLED_IN_API : UNBUNDLED,
    write: false,
    banner: { js: REQUIRE_BANNER },
    plugins: [ownPlace(directory)],
    logLevel: "warning",
  });
  for (const { path, text } of outputFiles) writeFileSync(path, path.endsWith(".js") ? ascii(text) : text);
}

/** One letter beyond ASCII, in a regular expression somewhere, would double the memory that V8 takes for the whole text. */
function ascii(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Lets bundled code find what it found from where its source stood. */
function ownPlace(directory: string): esbuild.Plugin {
  const outdir = join(ROOT, directory, "dist");
  const from = (file: string) => JSON.stringify(`./${relative(outdir, file)}`.replace("./../", "../"));
  return {
    name: "own-place",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        if (path.includes("node_modules") || !source.includes("import.meta")) return undefined;
        const contents = source
          .replace(/new URL\("\.\/(\w+)\.ts", import\.meta\.url\)/g, 'new URL("./$1.js", import.meta["url"])')
          .replace(/import\.meta\.resolve\("([^"]+)"\)/g, (_match, name: string) => {
            return `new URL(${from(createRequire(path).resolve(name))}, import.meta["url"]).href`;
          })
          .replaceAll("import.meta.dirname", `new URL(${from(dirname(path))}, import.meta["url"]).pathname`)
          .replaceAll("import.meta.url", `new URL(${from(path)}, import.meta["url"]).href`);
        return { contents, loader: "ts" };
      });
    },
  };
}

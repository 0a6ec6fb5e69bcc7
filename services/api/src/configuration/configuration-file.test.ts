import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseConfig } from "@edgebos/service";
import { sampleYaml } from "../fixtures/samples.ts";
import { type ConfigurationChange, ConfigurationFile } from "./configuration-file.ts";

describe("the configuration file", () => {
  let directory: string;
  let file: string;
  let changes: ConfigurationChange[];
  let configuration: ConfigurationFile;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "edgebos-configuration-"));
    file = join(directory, "config.yaml");
    writeFileSync(file, `# mine\n${sampleYaml()}\n`);
    changes = [];
    configuration = new ConfigurationFile(file, (change) => changes.push(change));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const update = (patch: object | string, more: { revision?: string; dryRun?: boolean } = {}) => {
    const text = typeof patch === "string" ? patch : JSON.stringify(patch);
    return configuration.update({ patch: text, revision: "", dryRun: false, ...more });
  };

  test("is read with every default, and without the contents of keys", () => {
    writeFileSync(join(directory, "key.pem"), "SECRET");
    const { yaml } = configuration.read();
    assert.equal(parseConfig(yaml, file).bonding.algorithm, "adaptive");
    assert.match(yaml, new RegExp(`key: ${directory}/key.pem`));
    assert.doesNotMatch(yaml, /SECRET/);
  });

  test("is changed on disk, keeping comments and mode, with nothing left beside it", async () => {
    chmodSync(file, 0o640);
    const before = configuration.read().revision;
    const { configuration: after, restartRequired } = await update({ bonding: { algorithm: "weighted" } });
    assert.match(readFileSync(file, "utf8"), /^# mine\n[\s\S]*algorithm: weighted/);
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(directory), ["config.yaml"]);
    assert.notEqual(after?.revision, before);
    assert.deepEqual([restartRequired, configuration.read()], [[], after]);
    assert.deepEqual(
      changes.map(({ changedKeys }) => changedKeys),
      [["bonding.algorithm"]],
    );
  });

  test("stays a symbolic link if it is one", async () => {
    const link = join(directory, "link.yaml");
    symlinkSync(file, link);
    const through = new ConfigurationFile(link, () => {});
    await through.update({ patch: '{"log":{"level":"warn"}}', revision: "", dryRun: false });
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.match(readFileSync(file, "utf8"), /level: warn/);
  });

  test("names the keys that only a restart brings into force", async () => {
    const { restartRequired } = await update({
      server: { port: 9000 },
      log: { level: "debug" },
      tunnel: { mtu: 1400 },
    });
    assert.deepEqual(restartRequired, ["server.port", "tunnel.mtu"]);
  });

  test("is not touched by a dry run", async () => {
    const text = readFileSync(file, "utf8");
    const { configuration: would } = await update({ bonding: { algorithm: "weighted" } }, { dryRun: true });
    assert.match(would?.yaml ?? "", /algorithm: weighted/);
    assert.deepEqual([readFileSync(file, "utf8"), changes.length], [text, 0]);
  });

  test("refuses a change that is meant for another revision", async () => {
    const { revision } = configuration.read();
    await update({ log: { level: "warn" } }, { revision });
    await assert.rejects(update({ log: { level: "error" } }, { revision }), {
      code: "revision-stale",
      kind: "conflict",
    });
    assert.match(readFileSync(file, "utf8"), /level: warn/);
  });

  test("lets one of two simultaneous changes of one revision win", async () => {
    const { revision } = configuration.read();
    const levels = ["warn", "error"];
    const results = await Promise.allSettled(levels.map((level) => update({ log: { level } }, { revision })));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    assert.match(readFileSync(file, "utf8"), /level: warn/);
  });

  test("refuses what is not valid, and says which key and why", async () => {
    const text = readFileSync(file, "utf8");
    const bad = update({ bonding: { algorithm: "fastest" }, tunel: {} });
    await assert.rejects(bad, {
      code: "configuration-invalid",
      message: /bonding\.algorithm: [\s\S]*tunel: there is no such key; did you mean tunnel/,
    });
    assert.equal(readFileSync(file, "utf8"), text);
  });

  test("takes up an editor's change before a patch, so that neither is lost", async () => {
    writeFileSync(file, `${sampleYaml()}\nlog: {level: debug}\n`);
    await update({ bonding: { algorithm: "weighted" } });
    const config = parseConfig(readFileSync(file, "utf8"), file);
    assert.deepEqual([config.log.level, config.bonding.algorithm], ["debug", "weighted"]);
    assert.deepEqual(
      changes.map(({ changedKeys }) => changedKeys),
      [["log.level"], ["bonding.algorithm"]],
    );
  });

  test("keeps the last valid version when an editor breaks it, and refuses patches until it is mended", async () => {
    const before = configuration.read();
    writeFileSync(file, "server: [");
    await assert.rejects(configuration.reload(), { code: "config-invalid" });
    assert.deepEqual(configuration.read(), before);
    await assert.rejects(update({ log: { level: "warn" } }), {
      code: "configuration-file-invalid",
      kind: "precondition",
    });
    writeFileSync(file, `${sampleYaml()}\nlog: {level: warn}\n`);
    await configuration.reload();
    assert.deepEqual(
      changes.map(({ changedKeys }) => changedKeys),
      [["log.level"]],
    );
  });

  test("says what to do when it cannot be written", async () => {
    rmSync(directory, { recursive: true });
    await assert.rejects(update({ log: { level: "warn" } }), { kind: "precondition", message: /config\.yaml/ });
  });
});

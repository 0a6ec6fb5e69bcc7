import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { readClients } from "@edgebos/service/clients";
import { loadConfig } from "@edgebos/service/config";
import { runCommandLine } from "./command-line.ts";
import { EXIT } from "./errors.ts";

const directory = mkdtempSync(join(tmpdir(), "edgebos-cli-"));
after(() => rmSync(directory, { recursive: true, force: true }));

describe("edgebos-server init", () => {
  test("creates the authority, the server's certificate, a valid configuration and an empty list of clients", async (t) => {
    const dir = join(directory, "init");
    const { code } = await run(t, "server init --host bond.example.com --port 9000 --state-dir", dir);
    assert.equal(code, EXIT.ok);
    const config = loadConfig(join(dir, "config.yaml"));
    assert.deepEqual(
      [config.role, config.server, config.state_dir],
      ["server", { host: "bond.example.com", port: 9000 }, dir],
    );
    const [ca, server] = [certificate(config.security.ca), certificate(config.security.certificate)];
    assert.equal(server.checkIssued(ca) && server.verify(ca.publicKey), true);
    assert.equal(server.checkHost("bond.example.com"), "bond.example.com");
    assert.deepEqual([days(ca), days(server)], [3650, 825]);
    for (const secret of ["ca-key.pem", "server-key.pem", "clients.yaml"]) assert.equal(mode(join(dir, secret)), 0o600);
    assert.deepEqual(readClients(join(dir, "clients.yaml")), []);
  });

  test("is for an address as well", async (t) => {
    const dir = join(directory, "address");
    await run(t, "server init --host 2001:db8::7 --state-dir", dir);
    assert.equal(loadConfig(join(dir, "config.yaml")).server.host, "2001:db8::7");
    assert.equal(certificate(join(dir, "server-cert.pem")).checkIP("2001:db8::7"), "2001:db8::7");
  });

  test("does not overwrite without --force, and refuses a host that is none before it writes", async (t) => {
    const dir = join(directory, "twice");
    await run(t, "server init --host a.example --state-dir", dir);
    const before = readFileSync(join(dir, "ca.pem"), "utf8");
    const again = await run(t, "server init --host a.example --state-dir", dir);
    assert.deepEqual([again.code, readFileSync(join(dir, "ca.pem"), "utf8")], [EXIT.failure, before]);
    assert.match(again.stderr, /exists: choose another --state-dir, or give --force/);
    assert.equal((await run(t, "server init --host a.example --force --state-dir", dir)).code, EXIT.ok);
    assert.notEqual(readFileSync(join(dir, "ca.pem"), "utf8"), before);
    const bad = await run(t, "server init --host a.example:8443 --state-dir", join(directory, "bad"));
    assert.match(bad.stderr, /server\.host: must be a host name/);
    assert.equal(existsSync(join(directory, "bad")), false);
  });
});

describe("edgebos-server client", () => {
  const dir = join(directory, "server");
  const out = (name: string) => join(directory, "clients", name);
  const add = (t: TestContext, line: string, name: string) =>
    run(t, `server client add ${line} --state-dir`, dir, "--out", out(name));

  test("add writes a client's four files and registers its certificate", async (t) => {
    await run(t, "server init --host 192.0.2.1 --state-dir", dir);
    const { code } = await add(t, "van-7", "van");
    assert.equal(code, EXIT.ok);
    const config = loadConfig(join(out("van"), "config.yaml"));
    assert.deepEqual([config.role, config.server], ["client", { host: "192.0.2.1", port: 8443 }]);
    const client = certificate(config.security.certificate);
    assert.equal(client.subject, "CN=van-7");
    assert.equal(client.verify(certificate(config.security.ca).publicKey), true);
    assert.equal(mode(config.security.key), 0o600);
    const [entry] = readClients(join(dir, "clients.yaml"));
    assert.deepEqual([entry?.name, entry?.fingerprint_sha256], ["van-7", client.fingerprint256]);
  });

  test("add refuses a name that is taken, and replaces its certificate with --force", async (t) => {
    const taken = await add(t, "van-7", "other");
    assert.match(taken.stderr, /there is a client "van-7": give --force/);
    assert.equal(existsSync(out("other")), false);
    assert.equal((await add(t, "van-7 --force", "van")).code, EXIT.ok);
    const clients = readClients(join(dir, "clients.yaml"));
    assert.deepEqual(
      clients.map(({ fingerprint_sha256 }) => fingerprint_sha256),
      [certificate(join(out("van"), "client-cert.pem")).fingerprint256],
    );
  });

  test("add makes certificates of another validity, also one that has expired", async (t) => {
    await add(t, "old --days -1", "old");
    assert.ok(certificate(join(out("old"), "client-cert.pem")).validToDate < new Date());
    await add(t, "dated --not-after 2031-02-03T04:05:06Z", "dated");
    assert.equal(
      certificate(join(out("dated"), "client-cert.pem")).validToDate.toISOString(),
      "2031-02-03T04:05:06.000Z",
    );
    assert.match((await add(t, "wrong --days soon", "wrong")).stderr, /--days must be a whole number, not "soon"/);
    assert.match((await add(t, "wrong --not-after soon", "wrong")).stderr, /--not-after must be a date/);
  });

  test("list and remove", async (t) => {
    const listed = await run(t, "server client list --json --state-dir", dir);
    const { clients } = JSON.parse(listed.stdout) as { clients: { name: string }[] };
    assert.deepEqual(
      clients.map(({ name }) => name),
      ["van-7", "old", "dated"],
    );
    assert.equal((await run(t, "server client remove old --state-dir", dir)).code, EXIT.ok);
    assert.deepEqual(
      readClients(join(dir, "clients.yaml")).map(({ name }) => name),
      ["van-7", "dated"],
    );
    assert.match((await run(t, "server client remove old --state-dir", dir)).stderr, /there is no client "old"/);
    assert.match((await run(t, "server client list --state-dir", dir)).stdout, /^NAME +ADDED +CERTIFICATE.*\nvan-7 /);
  });

  test("needs an authority", async (t) => {
    const { code, stderr } = await run(
      t,
      "server client add a --out /nonexistent --state-dir",
      join(directory, "none"),
    );
    assert.equal(code, EXIT.failure);
    assert.match(stderr, /no certificate authority in .*: run "edgebos-server init/);
  });
});

describe("the command line", () => {
  const cases: [line: string, code: number, text: RegExp][] = [
    ["client help", EXIT.ok, /^edgebos-client joins the links(?:.|\n)*links +show each link/],
    ["client help start", EXIT.ok, /^edgebos-client start \[options\]\n.*\n\n.*-c, --config FILE/],
    ["client start --help", EXIT.ok, /--detach/],
    ["client --version", EXIT.ok, /^edgebos-client \d+\.\d+\.\d+ \(node v\d+/],
    ["server version --json", EXIT.ok, /^\{"version":"\d+\.\d+\.\d+"/],
    ["client", EXIT.usage, /^edgebos-client joins/],
    ["client fly", EXIT.usage, /there is no command "fly"; see "edgebos-client help"/],
    ["client init", EXIT.usage, /"init" is a command of edgebos-server/],
    ["server client", EXIT.usage, /say which: client add, client list, client remove/],
    ["server client add", EXIT.usage, /client add: expects NAME, not nothing/],
    ["server client add a b", EXIT.usage, /expects NAME, not a b/],
    ["client start", EXIT.usage, /--config is missing/],
    ["client start --confg x", EXIT.usage, /unknown option '--confg'/],
    ["client start --config /nonexistent", EXIT.failure, /\/nonexistent: there is no such file/],
    ["pilot start", EXIT.usage, /must be client or server/],
  ];
  for (const [line, code, text] of cases) {
    test(`${line} ends with ${code} and says what it should`, async (t) => {
      const outcome = await run(t, line);
      assert.equal(outcome.code, code);
      assert.match(outcome.stdout + outcome.stderr, text);
    });
  }

  test("the help does not mention options that are not documented", async (t) => {
    const { stdout } = await run(t, "server help client add");
    assert.doesNotMatch(stdout, /not-after/);
  });

  test("commands for an instance that does not run end with 3 and say how to start it", async (t) => {
    for (const command of ["stop", "status", "links"]) {
      const { code, stderr } = await run(t, `client ${command} --state-dir`, join(directory, "nobody"));
      assert.equal(code, EXIT.notRunning);
      assert.match(stderr, /is not running with the state directory .*nobody: start it with/);
    }
    const json = await run(t, "client status --json --state-dir", join(directory, "nobody"));
    assert.deepEqual([json.code, JSON.parse(json.stdout).running], [EXIT.notRunning, false]);
  });

  test("with --json an error is JSON as well", async (t) => {
    const { stdout } = await run(t, "client links --json --state-dir", join(directory, "nobody"));
    assert.equal(JSON.parse(stdout).error.code, "not-running");
  });
});

/** Runs a command in this process; `line` is split at spaces, further arguments are taken as they are. */
async function run(t: TestContext, line: string, ...more: string[]) {
  let [stdout, stderr] = ["", ""];
  const out = t.mock.method(process.stdout, "write", (text: string) => {
    stdout += text;
    return true;
  });
  const err = t.mock.method(process.stderr, "write", (text: string) => {
    stderr += text;
    return true;
  });
  try {
    const code = await runCommandLine([...line.split(" "), ...more]);
    return { code, stdout, stderr };
  } finally {
    out.mock.restore();
    err.mock.restore();
  }
}

function certificate(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file));
}

/** Whole days of validity that are left. */
function days({ validToDate }: X509Certificate): number {
  return Math.round((validToDate.getTime() - Date.now()) / 86_400_000);
}

function mode(file: string): number {
  return statSync(file).mode & 0o777;
}

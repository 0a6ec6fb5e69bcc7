import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { control } from "@edgebos/proto";
import type { Command } from "../loop/commands.ts";
import { AddressPool, parsePools } from "./address-pool.ts";
import type { KnownClient, RefusalReason } from "./admission.ts";
import { ControlClient, type ControlState } from "./client.ts";
import { ALPN } from "./connection.ts";
import type { Message } from "./framing.ts";
import { ControlListener } from "./listener.ts";
import { ServerSessions } from "./server-sessions.ts";
import { type Identity, opensslMissing, TestAuthority } from "./test-authority.ts";

describe("control channel over TLS on loopback", { skip: opensslMissing }, () => {
  let authority: TestAuthority;
  let serverIdentity: Identity;
  let van: Identity;

  before(() => {
    authority = new TestAuthority();
    serverIdentity = authority.issue("server");
    van = authority.issue("van");
  });
  after(() => authority.dispose());

  test("a client gets its addresses, and both ends the same keys for opposite directions", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const client = startClient(t, server.port, van);
    const welcome = await client.welcomed(1);
    assert.deepEqual([welcome.innerV4, welcome.prefixV4, welcome.serverInnerV4], ["10.231.0.2", 16, "10.231.0.1"]);
    assert.deepEqual([welcome.resumed, welcome.epoch, welcome.mtuBytes], [false, 1, 1436]);
    const [ours, theirs] = [keysOf(client.posted), keysOf(server.posted)];
    assert.deepEqual(ours.sendKey, theirs.receiveKey);
    assert.deepEqual(ours.receiveKey, theirs.sendKey);
    assert.notDeepEqual(ours.sendKey, ours.receiveKey);
    const [open] = server.posted;
    assert.ok(open?.kind === "open-session" && open.remoteSession === client.control.session);
  });

  test("a path is opened with the headers of the IP version that the client has announced", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const client = startClient(t, server.port, van);
    await client.welcomed(1);
    for (const overIpv6 of [false, true]) {
      const value = control.PathOpen.fromPartial({ pathId: overIpv6 ? 1 : 0, maxDatagramBytes: 1452, overIpv6 });
      client.control.send({ $case: "pathOpen", value });
    }
    const headers = () => server.posted.flatMap((command) => (command.kind === "open-path" ? command.headerBytes : []));
    await t.waitFor(() => assert.deepEqual(headers(), [28, 48]));
  });

  test("after a lost connection the session is resumed with keys of a new epoch", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const client = startClient(t, server.port, van);
    const first = await client.welcomed(1);
    const firstKeys = keysOf(client.posted);
    server.session("van").connection?.close("a link died");
    const second = await client.welcomed(2);
    assert.deepEqual([second.resumed, second.session, second.epoch], [true, first.session, 2]);
    assert.notDeepEqual(keysOf(client.posted).sendKey, firstKeys.sendKey);
    assert.equal(server.posted.filter(({ kind }) => kind === "open-session").length, 1);
  });

  test("a restarted server gives a new session with the same addresses", async (t) => {
    const first = await startServer(t, [known("van", van)]);
    const client = startClient(t, first.port, van);
    const before = await client.welcomed(1);
    first.listener.close();
    first.session("van").connection?.close("killed");
    await startServer(t, [known("van", van)], { port: first.port, directory: first.directory });
    const after = await client.welcomed(2);
    assert.deepEqual([after.resumed, after.innerV4, after.epoch], [false, before.innerV4, 1]);
  });

  test("the newer of two connections of one client wins, and the older one hears why", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const older = startClient(t, server.port, van);
    const first = await older.welcomed(1);
    older.stopRetrying();
    const newer = startClient(t, server.port, van);
    const second = await newer.welcomed(1);
    assert.notEqual(second.session, first.session);
    assert.equal(second.innerV4, first.innerV4);
    assert.equal((await older.refused()).code, "duplicate-client");
  });

  test("a new epoch within a connection brings both ends to new, equal keys", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const client = startClient(t, server.port, van);
    await client.welcomed(1);
    client.control.requestRekey();
    await client.until(() => client.control.epoch === 2);
    assert.deepEqual(keysOf(client.posted).sendKey, keysOf(server.posted).receiveKey);
    assert.equal(keysOf(server.posted).epoch, 2);
  });

  test("a client that is taken off the list is disconnected and told", async (t) => {
    const clients = [known("van", van)];
    const server = await startServer(t, clients);
    const client = startClient(t, server.port, van);
    await client.welcomed(1);
    clients.pop();
    server.sessions.revoke();
    assert.equal((await client.refused()).code, "unknown-client");
    assert.ok(server.posted.some(({ kind }) => kind === "close-session"));
  });

  test("an unknown client is told why, and counted", async (t) => {
    const server = await startServer(t, []);
    const client = startClient(t, server.port, van);
    assert.match((await client.refused()).reason, /no client "van" is registered/);
    assert.equal(server.refused[0], "unknown-client");
  });

  test("a client of another authority is refused", async (t) => {
    const stranger = new TestAuthority();
    t.after(() => stranger.dispose());
    const server = await startServer(t, [known("van", van)]);
    const client = startClient(t, server.port, stranger.issue("van"));
    assert.equal((await client.refused()).code, "untrusted-certificate");
    assert.equal(server.refused[0], "untrusted-certificate");
    assert.deepEqual(server.posted, []);
  });

  test("a client without a certificate is refused", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: authority.ca, ALPNProtocols: [ALPN] });
    socket.on("error", () => undefined).resume();
    await once(socket, "close");
    assert.deepEqual(server.refused, ["no-certificate"]);
  });

  test("bytes that are no TLS are refused, and the server goes on", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const socket = connect(server.port, "127.0.0.1", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    socket.on("error", () => undefined).resume();
    await once(socket, "close");
    assert.deepEqual(server.refused, ["tls"]);
    await startClient(t, server.port, van).welcomed(1);
  });

  test("a client does not talk to a server of another authority", async (t) => {
    const server = await startServer(t, [known("van", van)]);
    const stranger = new TestAuthority();
    t.after(() => stranger.dispose());
    const client = startClient(t, server.port, van, stranger.ca);
    await client.until(() => client.states.length > 0);
    const [state] = client.states;
    assert.match(state?.kind === "dialling" ? state.reason : "", /certificate is not of our CA/);
  });

  async function startServer(t: TestContext, clients: KnownClient[], again?: { port: number; directory: string }) {
    const directory = again?.directory ?? mkdtempSync(join(tmpdir(), "dp-control-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const posted: Command[] = [];
    const refused: RefusalReason[] = [];
    const onRefused = (reason: RefusalReason) => refused.push(reason);
    const sessions = new ServerSessions({
      pool: new AddressPool(parsePools("10.231.0.0/16", "fdeb:0:0:1::/64"), join(directory, "addresses.json")),
      mtuBytes: 1436,
      software: "test",
      ownCiphers: ["aes-256-gcm"],
      clients: () => clients,
      post: (command) => posted.push(command),
      planOf: () => ({ policy: undefined, links: new Map() }),
      onRefused,
      onEvent: () => undefined,
    });
    const listener = new ControlListener({
      port: again?.port ?? 0,
      certificate: serverIdentity.certificate,
      key: serverIdentity.key,
      ca: authority.ca,
      clients: () => clients,
      onClient: (client) => sessions.admit(client),
      onRefused,
    });
    await listener.listen();
    t.after(() => {
      sessions.close();
      listener.close();
    });
    const session = (name: string) => {
      const found = [...sessions.all()].find(({ options }) => options.name === name);
      assert.ok(found !== undefined, `no session of ${name}`);
      return found;
    };
    return { posted, refused, sessions, listener, directory, session, port: listener.port };
  }

  function startClient(t: TestContext, port: number, identity: Identity, ca = authority.ca) {
    const posted: Command[] = [];
    const states: ControlState[] = [];
    const messages: Message[] = [];
    const welcomes: Extract<Message, { $case: "welcome" }>["value"][] = [];
    const waiting = new Set<() => void>();
    const changed = () => {
      for (const check of waiting) check();
    };
    let dials = true;
    const control = new ControlClient({
      dialOptions: async () => ({
        candidates: dials ? [{ link: "lo", localAddress: "127.0.0.1", remoteAddress: "127.0.0.1" }] : [],
        port,
        serverName: "127.0.0.1",
        certificate: identity.certificate,
        key: identity.key,
        ca,
      }),
      ciphers: ["aes-256-gcm"],
      algorithm: () => "adaptive",
      software: "test",
      post: (command) => {
        posted.push(command);
        changed();
      },
      onWelcome: (welcome) => {
        welcomes.push(welcome);
        changed();
      },
      onMessage: (message) => messages.push(message),
      onState: (state) => {
        states.push(state);
        changed();
      },
    });
    t.after(() => control.stop());
    void control.run();
    const until = (condition: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    const isRefused = (state: ControlState) => state.kind === "refused";
    return {
      control,
      posted,
      states,
      until,
      stopRetrying: () => {
        dials = false;
      },
      welcomed: async (count: number) => {
        await until(() => welcomes.length >= count);
        return welcomes[count - 1]!;
      },
      refused: async () => {
        await until(() => states.some(isRefused));
        return states.find(isRefused) as Extract<ControlState, { kind: "refused" }>;
      },
    };
  }
});

function known(name: string, { fingerprintSha256 }: Identity): KnownClient {
  return { name, fingerprintSha256 };
}

/** The newest keys among the commands. */
function keysOf(posted: readonly Command[]) {
  const keys = posted.filter((command) => command.kind === "install-keys").at(-1);
  assert.ok(keys !== undefined, "no keys were installed");
  return keys;
}

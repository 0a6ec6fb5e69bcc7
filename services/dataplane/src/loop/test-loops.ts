/** For tests: a client's and a server's loop, whose devices and sockets are in memory. */

import { createAead } from "@edgebos/linux-io";
import { Arena, PacketPool, type PathId } from "@edgebos/tunnel";
import { parseAddress } from "../host/addresses.ts";
import type { Command, LinkSocket, LoopMessage } from "./commands.ts";
import { createCounters, readCounters } from "./counters.ts";
import { ForwardingLoop } from "./loop.ts";
import { memoryIo, TestNetwork } from "./memory-io.ts";

export const SERVER_PORT = 8443;
export const SERVER_SESSION = 7;
export const CLIENT_SESSION = 9;
export const POOL_SLOTS = 1024;

/** Both ends with keys, one session and `links` paths that are up. */
export function establish({ links = 1 } = {}) {
  const network = new TestNetwork();
  const clock = { now: 1_000_000 };
  const server = end("server", network, clock);
  const client = end("client", network, clock);
  const run = (durationMs: number): void => {
    for (const until = clock.now + durationMs * 1000; clock.now < until; clock.now += 500) {
      while (client.loop.turn() || server.loop.turn());
    }
  };
  const open = (serverSession: number, clientSession: number): void => {
    server.open(serverSession, clientSession);
    client.open(clientSession, serverSession);
  };
  for (let path = 0; path < links; path++) client.post({ kind: "set-link", link: linkSocket(path) });
  open(SERVER_SESSION, CLIENT_SESSION);
  for (let path = 0; path < links; path++) {
    server.post({ kind: "open-path", session: SERVER_SESSION, path, name: `link${path}`, ...SIZES });
  }
  run(300);
  return {
    network,
    clock,
    client,
    server,
    run,
    open: (serverSession: number, clientSession: number) => {
      server.post({ kind: "close-session", session: SERVER_SESSION });
      open(serverSession, clientSession);
      server.post({ kind: "open-path", session: serverSession, path: 0, name: "link0", ...SIZES });
    },
    listenOn: (port: number) => {
      const queue: unknown[] = [];
      network.sockets.set(port, { queue } as never);
      return queue;
    },
  };
}

function end(role: "client" | "server", network: TestNetwork, clock: { now: number }) {
  const arena = new Arena(16 * 1024 * 1024);
  const pool = new PacketPool(arena, { slots: POOL_SLOTS });
  const io = memoryIo(arena, network, clock);
  const commands: Command[] = [];
  const said: LoopMessage[] = [];
  const counters = createCounters();
  const poll = { tellsOfTun: true };
  const readable = (index: number): boolean => {
    if (index === WAKE_INDEX) return commands.length > 0;
    return (index !== SERVER_TUN_INDEX || poll.tellsOfTun) && io.poller.readable(index);
  };
  const loop = new ForwardingLoop({
    settings: { role, port: SERVER_PORT, counters },
    io: { ...io, poller: { ...io.poller, readable } },
    arena,
    pool,
    aeadOf: (cipher) => createAead(io.memory, cipher),
    wake: { fd: -1, clear: () => undefined },
    nextCommand: () => commands.shift(),
    say: (message) => said.push(message),
    routes: undefined,
  });
  const post = (command: Command) => commands.push(command);
  const installKeys = (session: number, epoch: number): void => {
    const [ours, theirs] = role === "client" ? [1, 2] : [2, 1];
    const [sendKey, receiveKey] = [ours, theirs].map((half) => new Uint8Array(32).fill(16 * epoch + half));
    post({ kind: "install-keys", session, epoch, sendKey: sendKey!, receiveKey: receiveKey! });
  };
  return {
    loop,
    io,
    pool,
    tun: io.tun,
    poll,
    said,
    post,
    installKeys,
    counters: () => readCounters(counters),
    /** Links open their sockets in the order of their numbers. */
    portOf: (path: number) => 50_000 + path,
    open: (session: number, remoteSession: number) => {
      const inner = { host: 2, innerV4: parseAddress("10.231.0.2"), innerV6: parseAddress("fdeb::2") };
      post({ kind: "open-session", session, remoteSession, cipher: "aes-256-gcm", ...inner });
      installKeys(session, 1);
      post({ kind: "apply-plan", session, plan: { algorithm: "adaptive", paths: new Map([[0 as PathId, PRIMARY]]) } });
    },
  };
}

/** Descriptors in the order in which a loop adds them. */
const WAKE_INDEX = 0;
const SERVER_TUN_INDEX = 1;
/** Of a link with an MTU of 1500, over IPv4. */
const SIZES = { maxDatagramBytes: 1472, headerBytes: 28 } as const;
const PRIMARY = { enabled: true, role: "primary", weight: 1, rateLimitBps: 0 } as const;

function linkSocket(path: number): LinkSocket {
  return {
    path,
    name: `link${path}`,
    device: `link${path}`,
    ifindex: path + 2,
    address: `10.1.${path}.2`,
    serverAddress: "203.0.113.1",
    serverPort: SERVER_PORT,
    maxDatagramBytes: 1472,
  };
}

/** An IPv4 packet of protocol 253 (RFC 3692), whose payload counts up. */
export function ipv4(source: string, destination: string, payloadBytes: number): Uint8Array {
  const packet = new Uint8Array(20 + payloadBytes).map((_, i) => i);
  packet.set([0x45, 0, packet.length >> 8, packet.length, 0, 0, 0, 0, 64, 253, 0, 0]);
  packet.set(parseAddress(source), 12);
  packet.set(parseAddress(destination), 16);
  return packet;
}

export function ipv6(source: string, destination: string, payloadBytes: number): Uint8Array {
  const packet = new Uint8Array(40 + payloadBytes).map((_, i) => i);
  packet.set([0x60, 0, 0, 0, payloadBytes >> 8, payloadBytes, 253, 64]);
  packet.set(parseAddress(source), 8);
  packet.set(parseAddress(destination), 24);
  return packet;
}

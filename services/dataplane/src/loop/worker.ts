/** The worker thread: waits for its settings, makes memory, device and sockets, and runs the forwarding loop until it is told to stop. */

import { setPriority } from "node:os";
import { type MessagePort, parentPort, receiveMessageOnPort } from "node:worker_threads";
import { type CipherName, createAead, createEventFd, openRouteSocket, setSchedulingClass } from "@edgebos/linux-io";
import { type Aead, Arena, PacketPool } from "@edgebos/tunnel";
import type { Command, LoopMessage, LoopSettings } from "./commands.ts";
import { openLoopIo } from "./io.ts";
import { ForwardingLoop } from "./loop.ts";
import { ThreadPriority } from "./thread-priority.ts";

/** Packet buffers: what a client has in flight and in queues at 1 Gbit/s and 100 ms, and twice what may wait for earlier packets (docs/protocol.md §5); or all clients of a server together. */
const SLOTS = { client: 32_768, server: 49_152 } as const;
const SLOT_BYTES = 2048;
/** Receive buffers (about 1 MiB per socket), transmit run, TUN read, coalescer. Only what is used costs memory. */
const OTHER_BYTES = 64 * 1024 * 1024;

function main(port: MessagePort, settings: LoopSettings): void {
  const say = (message: LoopMessage) => port.postMessage(message);
  const notice = (text: string) => say({ kind: "notice", code: "kernel-feature-missing", text });
  const slots = SLOTS[settings.role];
  const arena = new Arena(slots * SLOT_BYTES + OTHER_BYTES);
  const pool = new PacketPool(arena, { slots, slotBytes: SLOT_BYTES });
  const io = openLoopIo(arena, settings.device, notice);
  const aeads = new Map<CipherName, Aead>();
  const aeadOf = (cipher: CipherName): Aead => {
    const aead = aeads.get(cipher) ?? createAead(io.memory, cipher);
    aeads.set(cipher, aead);
    return aead;
  };
  const routes = settings.role === "client" ? openRouteSocket() : undefined;
  raisePriority();
  const wake = createEventFd();
  const loop = new ForwardingLoop({
    settings,
    io,
    arena,
    pool,
    aeadOf,
    wake,
    nextCommand: () => receiveMessageOnPort(port)?.message as Command | undefined,
    say,
    routes,
    priority: new ThreadPriority(setSchedulingClass, threadCpuUs, io.now()),
  });
  say({ kind: "ready", device: io.tun.name, port: loop.port, wakeFd: wake.fd, offloads: { ...io.tun.offloads } });
  const { removeDevice } = loop.run();
  if (removeDevice) io.tun.setPersistent(false);
  io.tun.close();
  routes?.close();
  say({ kind: "stopped" });
  port.close();
}

/** Beside the other threads of this service. Without the privilege (CAP_SYS_NICE) the loop works as well as it can. */
function raisePriority(): void {
  try {
    setPriority(LOOP_NICE);
  } catch {
    // Not permitted here.
  }
}

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

const LOOP_NICE = -5;

const port = parentPort;
if (port === null) throw new Error("this file is the entry of a worker thread");
// The loop runs inside this listener and never comes back to the event loop before it ends.
port.once("message", (settings: LoopSettings) => main(port, settings));

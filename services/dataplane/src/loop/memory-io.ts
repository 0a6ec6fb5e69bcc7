/** A machine for tests: TUN devices and UDP sockets in memory, a clock that stands still, no kernel. */

import {
  type ByteArena,
  Coalescer,
  type Memory,
  memoryOf,
  Segmenter,
  type Tun,
  type Udp,
  WOULD_BLOCK,
} from "@edgebos/linux-io";
import { ADDRESS_BYTES, type Arena, type Micros } from "@edgebos/tunnel";
import type { LoopIo } from "./io.ts";

const EMSGSIZE = 90;

/** One clock for both ends. */
export interface TestClock {
  now: number;
}

/** Datagrams by port. An address record holds the port alone. */
export class TestNetwork {
  readonly sockets = new Map<number, MemoryUdp>();
  /** Ports whose datagrams are swallowed. */
  readonly cut = new Set<number>();
  #nextPort = 50_000;

  freePort(): number {
    return this.#nextPort++;
  }
}

export class MemoryTun implements Tun {
  readonly fd: number;
  readonly name = "test0";
  readonly offloads = { vnetHeader: false, tso4: false, tso6: false, uso: false };
  /** What the host sends into the tunnel, and what it got out of it. */
  readonly toRead: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  /** What the kernel says within the write of a packet. */
  answer: (packet: Uint8Array) => readonly Uint8Array[] = () => [];
  readonly #memory: Memory;

  constructor(memory: Memory, fd: number) {
    this.#memory = memory;
    this.fd = fd;
  }

  read(offset: number): number {
    const packet = this.toRead.shift();
    if (packet === undefined) return WOULD_BLOCK;
    this.#memory.bytes.set(packet, offset);
    return packet.length;
  }

  write(offset: number, lengthBytes: number): number {
    const packet = this.#memory.bytes.slice(offset, offset + lengthBytes);
    this.written.push(packet);
    this.toRead.push(...this.answer(packet));
    return lengthBytes;
  }

  writev(): number {
    throw new Error("a device without vnet headers is written packet by packet");
  }

  setPersistent(): void {}
  close(): void {}
}

export class MemoryUdp implements Udp {
  readonly fd: number;
  readonly port: number;
  readonly gso = true;
  readonly gro = true;
  readonly messagesMax = 1;
  /** When set, every send fails with this errno. */
  failWith = 0;
  /** Longer datagrams are refused with EMSGSIZE. */
  datagramMaxBytes = 65_507;
  readonly #memory: Memory;
  readonly #network: TestNetwork;
  readonly #buffer: number;
  readonly #address: number;
  readonly #clock: TestClock;
  readonly queue: { bytes: Uint8Array; segment: number; from: number; at: number }[] = [];
  #message = { length: 0, segment: 0, at: 0 };

  constructor(memory: Memory, arena: ByteArena, network: TestNetwork, clock: TestClock, port: number, fd: number) {
    this.#memory = memory;
    this.#network = network;
    this.#clock = clock;
    this.#buffer = arena.reserve(65_536);
    this.#address = arena.reserve(ADDRESS_BYTES);
    this.port = port;
    this.fd = fd;
    network.sockets.set(port, this);
  }

  receive(): number {
    const message = this.queue.shift();
    if (message === undefined) return 0;
    this.#memory.bytes.set(message.bytes, this.#buffer);
    this.#memory.bytes.set(portRecord(message.from), this.#address);
    this.#message = { length: message.bytes.length, segment: message.segment, at: message.at };
    return 1;
  }

  messageOffset(): number {
    return this.#buffer;
  }

  messageLength(): number {
    return this.#message.length;
  }

  messageSegment(): number {
    return this.#message.segment;
  }

  messageAddress(): number {
    return this.#address;
  }

  messageAgeUs(): number {
    return this.#clock.now - this.#message.at;
  }

  send(offset: number, lengthBytes: number, segmentBytes: number, addressOffset: number): number {
    if (this.failWith > 0) return -this.failWith;
    if (Math.min(lengthBytes, segmentBytes) > this.datagramMaxBytes) return -EMSGSIZE;
    const to = this.#memory.view.getUint16(addressOffset + 2);
    const bytes = this.#memory.bytes.slice(offset, offset + lengthBytes);
    if (!this.#network.cut.has(this.port) && !this.#network.cut.has(to)) {
      this.#network.sockets.get(to)?.queue.push({ bytes, segment: segmentBytes, from: this.port, at: this.#clock.now });
    }
    return lengthBytes;
  }

  close(): void {
    this.#network.sockets.delete(this.port);
  }
}

export interface MemoryIo extends LoopIo {
  readonly tun: MemoryTun;
  readonly opened: MemoryUdp[];
}

export function memoryIo(arena: Arena, network: TestNetwork, clock: TestClock): MemoryIo {
  const memory = memoryOf(arena.buffer);
  let fd = 100;
  const tun = new MemoryTun(memory, fd++);
  const opened: MemoryUdp[] = [];
  const watched: number[] = [];
  const isReadable = (of: number): boolean =>
    of === tun.fd ? tun.toRead.length > 0 : opened.some((udp) => udp.fd === of && udp.queue.length > 0);
  return {
    memory,
    tun,
    opened,
    segmenter: new Segmenter(memory),
    coalescer: new Coalescer(memory, arena, tun),
    now: () => clock.now as Micros,
    poller: {
      add: (descriptor) => watched.push(descriptor) - 1,
      remove: (descriptor) => {
        watched[watched.indexOf(descriptor)] = -1;
      },
      setWantWrite: () => undefined,
      wait: () => 0,
      writable: () => false,
      readable: (index) => isReadable(watched[index] ?? -1),
    },
    restPoller: { add: () => 0, wait: () => 0 },
    openUdp: (options) => {
      const port = options.port === 0 ? network.freePort() : options.port;
      const udp = new MemoryUdp(memory, arena, network, clock, port, fd++);
      opened.push(udp);
      return udp;
    },
    closeUdp: (udp) => {
      opened.splice(opened.indexOf(udp as MemoryUdp), 1);
      udp.close();
    },
    encodeAddress: (_host, port) => portRecord(port),
  };
}

/** The port stands where a sockaddr has it. */
function portRecord(port: number): Uint8Array {
  const record = new Uint8Array(ADDRESS_BYTES);
  new DataView(record.buffer).setUint16(2, port);
  record[0] = 2;
  return record;
}

/** What the loop needs of the machine. The real thing is made here; tests make their own. */

import {
  type ByteArena,
  Coalescer,
  createPoller,
  encodeAddress,
  type Memory,
  memoryOf,
  monotonicUs,
  openTun,
  openUdp,
  type Poller,
  Segmenter,
  SystemError,
  setTimerSlack,
  type Tun,
  type Udp,
  type UdpOptions,
} from "@edgebos/linux-io";
import type { Arena, Micros } from "@edgebos/tunnel";

export type { Memory, Poller, Tun, Udp };

export interface LoopIo {
  readonly memory: Memory;
  readonly tun: Tun;
  readonly poller: Poller;
  /** Of the descriptors that end a rest of the loop. */
  readonly restPoller: Pick<Poller, "add" | "wait">;
  readonly segmenter: Segmenter;
  readonly coalescer: Coalescer;
  now(): Micros;
  /** Opens a socket whose receive buffers lie in the arena. Throws SystemError. */
  openUdp(options: UdpOptions): Udp;
  closeUdp(udp: Udp): void;
  encodeAddress(host: string, port: number): Uint8Array;
}

/** Kernel buffers of each UDP socket. Ours: 10 ms at 3 Gbit/s. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** How late a timed wait may end: pacing counts in tens of microseconds. */
const TIMER_SLACK_NS = 1000;

/** Opens the TUN device, which stays when the process ends. Throws SystemError. */
export function openLoopIo(arena: Arena, device: string, onNotice: (text: string) => void): LoopIo {
  const memory = memoryOf(arena.buffer);
  const tun = openTun(memory, { name: device, mode: "tun", offload: true, onNotice });
  tun.setPersistent(true);
  setTimerSlack(TIMER_SLACK_NS);
  const regions = new RegionPool(arena);
  const leases = new Map<Udp, Lease>();
  return {
    memory,
    tun,
    poller: createPoller(),
    restPoller: createPoller(),
    segmenter: new Segmenter(memory),
    coalescer: new Coalescer(memory, arena, tun),
    now: () => monotonicUs() as Micros,
    openUdp: (options) => {
      const lease = regions.lease();
      try {
        const udp = openUdp(memory, lease, { bufferBytes: SOCKET_BUFFER_BYTES, onNotice, ...options });
        leases.set(udp, lease);
        return udp;
      } catch (error) {
        lease.release();
        throw error;
      }
    },
    closeUdp: (udp) => {
      udp.close();
      leases.get(udp)?.release();
      leases.delete(udp);
    },
    encodeAddress,
  };
}

/** Both families; IPv4 alone where the kernel has no IPv6. Throws SystemError where the port cannot be had. */
export function openServerSocket(io: Pick<LoopIo, "openUdp">, port: number): Udp {
  try {
    return io.openUdp({ address: "::", port, dualStack: true });
  } catch (error) {
    if (!(error instanceof SystemError && NO_IPV6.has(error.code))) throw error;
    return io.openUdp({ address: "0.0.0.0", port });
  }
}

const NO_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/** Regions of the arena for sockets that come and go: what one gives back, the next one of the same shape takes. */
class RegionPool {
  readonly #arena: ByteArena;
  readonly #free = new Map<number, number[]>();

  constructor(arena: ByteArena) {
    this.#arena = arena;
  }

  lease(): Lease {
    return new Lease(this);
  }

  take(bytes: number): number {
    return this.#free.get(bytes)?.pop() ?? this.#arena.reserve(bytes);
  }

  give(bytes: number, offset: number): void {
    const list = this.#free.get(bytes) ?? [];
    list.push(offset);
    this.#free.set(bytes, list);
  }
}

class Lease implements ByteArena {
  readonly #pool: RegionPool;
  readonly #regions: { bytes: number; offset: number }[] = [];

  constructor(pool: RegionPool) {
    this.#pool = pool;
  }

  reserve(bytes: number): number {
    const offset = this.#pool.take(bytes);
    this.#regions.push({ bytes, offset });
    return offset;
  }

  release(): void {
    for (const { bytes, offset } of this.#regions.splice(0)) this.#pool.give(bytes, offset);
  }
}

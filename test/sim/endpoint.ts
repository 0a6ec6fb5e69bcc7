import {
  Arena,
  Bond,
  type BondEvent,
  type BondOptions,
  type Micros,
  PacketPool,
  type PathId,
  type PathOptions,
  type Slot,
} from "@edgebos/tunnel";
import type { Link } from "./link.ts";
import { ToyAead } from "./toy-aead.ts";

const ADDRESS_BYTES = 64;
const DATAGRAM_BYTES = 2_048;

/** Gets what an endpoint delivers, as its TUN device would. The bytes are only valid during the call. */
export type InnerHandler = (view: DataView, offset: number, length: number, now: number) => void;

export interface EndpointOptions {
  readonly role: BondOptions["role"];
  readonly seed: number;
  readonly slots?: number;
  /** See `BondOptions.helpTcp`. */
  readonly helpTcp?: boolean;
}

/** A bond with memory, cipher and the links it sends into: what a dataplane is in production, in virtual time. */
export class Endpoint {
  readonly arena: Arena;
  readonly pool: PacketPool;
  readonly bond: Bond;
  readonly events: BondEvent[] = [];
  readonly links = new Map<PathId, Link>();
  onInner: InnerHandler = () => {};
  /** When `run` has to be called. */
  nextAt = 0;
  /** Inner packets that found no buffer. */
  refusedPackets = 0;
  /** System calls that a real loop would have needed, and the datagrams they carry. */
  runs = 0;
  datagrams = 0;
  readonly #options = new Map<PathId, PathOptions>();
  readonly #inbox: number;
  readonly #address: number;
  #isPumping = false;

  constructor(options: EndpointOptions) {
    const slots = options.slots ?? 32_768;
    this.arena = new Arena(slots * 2_048 + 300_000);
    this.pool = new PacketPool(this.arena, { slots });
    this.#inbox = this.arena.reserve(DATAGRAM_BYTES);
    this.#address = this.arena.reserve(ADDRESS_BYTES);
    const isClient = options.role === "client";
    this.bond = new Bond(this.pool, new ToyAead(this.arena), {
      role: options.role,
      localSession: isClient ? 0x8000_0001 : 0x8000_0002,
      remoteSession: isClient ? 0x8000_0002 : 0x8000_0001,
      seed: options.seed,
      helpTcp: options.helpTcp ?? true,
    });
    const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
    this.bond.installKeys(1, key(isClient ? 1 : 2), key(isClient ? 2 : 1), 0 as Micros);
  }

  /** Opens a path over a link. The server learns the address from the first datagram. */
  open(path: PathId, link: Link, name: string, maxDatagramBytes: number, isClient: boolean): void {
    this.links.set(path, link);
    const address = new Uint8Array(ADDRESS_BYTES).fill(path + 1);
    const options = { name, maxDatagramBytes, ...(isClient ? { remote: address } : {}) };
    this.#options.set(path, options);
    this.bond.openPath(path, options, 0 as Micros);
  }

  suspend(path: PathId, now: number): void {
    this.bond.suspendPath(path, now as Micros);
    this.#pump(now);
  }

  resume(path: PathId, now: number): void {
    this.bond.resumePath(path, this.#options.get(path)!, now as Micros);
    this.#pump(now);
  }

  /** Hands an inner packet to the bond, as if read from the TUN device. `fill` writes it. Returns false if no buffer was free. */
  sendInner(length: number, now: number, fill: (view: DataView, offset: number) => void): boolean {
    const slot = this.pool.alloc();
    if (slot < 0) {
      this.refusedPackets++;
      return false;
    }
    fill(this.arena.view, this.pool.packetOffset(slot));
    this.pool.length[slot] = length;
    this.bond.handleInner(slot, now as Micros);
    this.#pump(now);
    return true;
  }

  /** A datagram arrives on a path. */
  receive(path: PathId, bytes: Uint8Array, offset: number, length: number, now: number): number {
    this.arena.bytes.set(bytes.subarray(offset, offset + length), this.#inbox);
    this.arena.bytes.fill(path + 1, this.#address, this.#address + ADDRESS_BYTES);
    const result = this.bond.handleDatagram(this.#inbox, length, this.#address, now as Micros, now as Micros);
    this.#pump(now);
    return result;
  }

  run(now: number): void {
    this.bond.handleTimeout(now as Micros);
    this.#pump(now);
  }

  /** Drains the bond's outputs. */
  #pump(now: number): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { bond, pool, arena } = this;
    for (let slot = bond.pollDeliver(now as Micros); slot >= 0; slot = bond.pollDeliver(now as Micros)) {
      this.onInner(arena.view, pool.packetOffset(slot as Slot), pool.length[slot]!, now);
      pool.free(slot as Slot);
    }
    for (let path = bond.pollTransmit(now as Micros); path >= 0; path = bond.pollTransmit(now as Micros)) {
      this.#send(path as PathId, now);
    }
    for (let event = bond.pollEvent(); event !== undefined; event = bond.pollEvent()) this.events.push(event);
    this.nextAt = Math.max(now, bond.pollTimeout());
    this.#isPumping = false;
  }

  #send(path: PathId, now: number): void {
    const { offset, lengthBytes, segmentBytes } = this.bond.run;
    this.runs++;
    for (let at = 0; at < lengthBytes; at += segmentBytes) {
      this.datagrams++;
      this.links.get(path)!.send(this.arena.bytes, offset + at, Math.min(segmentBytes, lengthBytes - at), now);
    }
  }
}

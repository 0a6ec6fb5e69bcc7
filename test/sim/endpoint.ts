import {
  ADDRESS_BYTES,
  type Arena,
  Bond,
  type BondEvent,
  type BondOptions,
  type BondPlan,
  type Micros,
  PacketPool,
  type PathId,
  type PathOptions,
  type Slot,
} from "@edgebos/tunnel";
import { Clock } from "./clock.ts";
import type { Datagram, DatagramStore } from "./datagram-store.ts";
import type { Link } from "./link.ts";
import type { Naps } from "./naps.ts";
import { ToyAead } from "./toy-aead.ts";

const SLOT_BYTES = 2_048;
/** Beside its slots: address records, transmit and scratch areas. */
const OTHER_BYTES = 300_000;

/** Gets what an endpoint delivers, as its TUN device would. The bytes are only valid during the call. */
export type InnerHandler = (view: DataView, offset: number, length: number, now: number) => void;

export interface EndpointOptions {
  readonly role: BondOptions["role"];
  readonly seed: number;
  readonly slots: number;
  /** See `BondOptions.helpHosts`. */
  readonly helpHosts: boolean;
  readonly clock?: Clock;
  readonly naps?: Pick<Naps, "wakeAt"> | undefined;
}

/** Where a path's datagrams go, and what the peer's address looks like from here. */
interface Attachment {
  readonly link: Link;
  readonly options: PathOptions;
  readonly addressOffset: number;
  address: number;
}

/**
 * A bond with memory, cipher, clock and the links it sends into: what a dataplane is in production, in virtual time. Times in its interface are the world's; the bond sees
 * the endpoint's own clock. While it naps, what arrives waits.
 */
export class Endpoint {
  readonly arena: Arena;
  readonly pool: PacketPool;
  bond: Bond;
  readonly events: BondEvent[] = [];
  onInner: InnerHandler = () => {};
  /** When `run` has to be called. */
  nextAt = 0;
  /** Inner packets that found no buffer. */
  refusedPackets = 0;
  /** Inner packets that came while the endpoint was down. */
  missedPackets = 0;
  /** Buffers that a closed bond had not given back. */
  leakedSlots = 0;
  /** Number of the session, and the newest epoch of its keys. */
  session = 0;
  epoch = 0;
  /** System calls that a real loop would have needed, and the datagrams they carry. */
  runs = 0;
  datagrams = 0;
  deliveredPackets = 0;
  wakeUps = 0;
  /** Wake-ups for a deadline at which nothing was sent or delivered. */
  idleWakeUps = 0;

  readonly #options: EndpointOptions;
  readonly #clock: Clock;
  readonly #store: DatagramStore;
  readonly #attachments = new Map<PathId, Attachment>();
  readonly #waitingDatagrams: { readonly path: PathId; readonly datagram: Datagram }[] = [];
  readonly #waitingInner: Slot[] = [];
  #plan: BondPlan | undefined = undefined;
  #pausedUntil = 0.5;
  #isDown = false;
  #isPumping = false;

  constructor(store: DatagramStore, options: EndpointOptions) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? new Clock();
    this.arena = store.arena;
    this.pool = new PacketPool(this.arena, { slots: options.slots });
    this.bond = this.#createBond();
    this.installKeys(1, 0);
  }

  static bytesFor(slots: number): number {
    return slots * SLOT_BYTES + OTHER_BYTES;
  }

  get isClient(): boolean {
    return this.#options.role === "client";
  }

  /** Opens a path over a link. The server learns the address from the first datagram. */
  open(path: PathId, link: Link, name: string, maxDatagramBytes: number): void {
    const address = path + 1;
    const addressOffset = this.arena.reserve(ADDRESS_BYTES);
    this.arena.bytes.fill(address, addressOffset, addressOffset + ADDRESS_BYTES);
    const remote = this.isClient ? { remote: new Uint8Array(ADDRESS_BYTES).fill(address) } : {};
    const attachment = { link, options: { name, maxDatagramBytes, ...remote }, addressOffset, address };
    this.#attachments.set(path, attachment);
    this.bond.openPath(path, attachment.options, this.#clock.read(0) as Micros);
  }

  suspend(path: PathId, now: number): void {
    if (this.#isDown) return;
    this.bond.suspendPath(path, this.#clock.read(now) as Micros);
    this.#pump(now);
  }

  resume(path: PathId, now: number): void {
    if (this.#isDown) return;
    if (this.bond.pathStats(path).state !== "suspended") return;
    this.bond.resumePath(path, this.#attachments.get(path)!.options, this.#clock.read(now) as Micros);
    this.#pump(now);
  }

  applyPlan(plan: BondPlan, now: number): void {
    this.#plan = plan;
    if (this.#isDown) return;
    this.bond.applyPlan(plan, this.#clock.read(now) as Micros);
    this.#pump(now);
  }

  /** The keys of an epoch; both ends derive the same ones. */
  installKeys(epoch: number, now: number): void {
    if (this.#isDown) return;
    this.epoch = epoch;
    const key = (n: number): Uint8Array => new Uint8Array(32).fill((2 * epoch + n + 16 * this.session) & 0xff);
    const [own, peer] = this.isClient ? [key(0), key(1)] : [key(1), key(0)];
    this.bond.installKeys(epoch, own, peer, this.#clock.read(now) as Micros);
  }

  /** The peer is seen under another address from here on. */
  movePeer(path: PathId): void {
    const attachment = this.#attachments.get(path)!;
    attachment.address = (attachment.address + 16) & 0xff;
    this.arena.bytes.fill(attachment.address, attachment.addressOffset, attachment.addressOffset + ADDRESS_BYTES);
  }

  /** The process ends: all that it knew and held is gone. */
  shutDown(): void {
    for (const { datagram } of this.#waitingDatagrams.splice(0)) this.#store.give(datagram);
    for (const slot of this.#waitingInner.splice(0)) this.pool.free(slot);
    this.bond.close();
    this.leakedSlots += this.pool.slots - this.pool.freeSlots;
    this.#isDown = true;
    this.nextAt = Number.POSITIVE_INFINITY;
  }

  /** Both ends begin session number `session` with new bonds. */
  start(session: number, now: number): void {
    if (!this.#isDown) this.shutDown();
    this.#isDown = false;
    this.session = session;
    this.bond = this.#createBond();
    this.installKeys(1, now);
    for (const [path, { options }] of this.#attachments) {
      this.bond.openPath(path, options, this.#clock.read(now) as Micros);
    }
    if (this.#plan !== undefined) this.bond.applyPlan(this.#plan, this.#clock.read(now) as Micros);
    this.#pump(now);
  }

  /** Hands an inner packet to the bond, as if read from the TUN device. `fill` writes it. Returns false if it cannot be taken. */
  sendInner(length: number, now: number, fill: (view: DataView, offset: number) => void): boolean {
    if (this.#isDown) {
      this.missedPackets++;
      return false;
    }
    const slot = this.pool.alloc();
    if (slot < 0) {
      this.refusedPackets++;
      return false;
    }
    fill(this.arena.view, this.pool.packetOffset(slot));
    this.pool.length[slot] = length;
    if (this.#isNapping(now)) {
      this.#waitingInner.push(slot);
      return true;
    }
    this.#acceptWaiting(now);
    this.bond.handleInner(slot, this.#clock.read(now) as Micros);
    this.#pump(now);
    return true;
  }

  /** A datagram of the arena arrives on a path. */
  receive(path: PathId, offset: number, length: number, now: number): void {
    if (this.#isDown) return;
    if (this.#isNapping(now)) {
      this.#waitingDatagrams.push({ path, datagram: this.#store.take(offset, length) });
      return;
    }
    this.#acceptWaiting(now);
    this.#accept(path, offset, length, now);
    this.#pump(now);
  }

  run(now: number): void {
    if (this.#isNapping(now)) return;
    const before = this.datagrams + this.deliveredPackets;
    const hasWaited = this.#acceptWaiting(now);
    this.bond.handleTimeout(this.#clock.read(now) as Micros);
    this.#pump(now);
    this.wakeUps++;
    if (this.datagrams + this.deliveredPackets === before && !hasWaited) this.idleWakeUps++;
  }

  /** The process gets no processor for a while: what comes waits in the kernel's queues, timers fire late. */
  pause(now: number, durationUs: number): void {
    this.#pausedUntil = now + durationUs;
    this.nextAt = this.#pausedUntil;
  }

  #isNapping(now: number): boolean {
    const wakeAt = now < this.#pausedUntil ? this.#pausedUntil : (this.#options.naps?.wakeAt(now) ?? 0);
    if (wakeAt > 0) this.nextAt = wakeAt;
    return wakeAt > 0;
  }

  /** Takes what came during a nap, as the loop does: datagrams first. Returns whether there was anything. */
  #acceptWaiting(now: number): boolean {
    if (this.#waitingDatagrams.length + this.#waitingInner.length === 0) return false;
    for (const { path, datagram } of this.#waitingDatagrams.splice(0)) {
      this.#accept(path, datagram.offset, datagram.length, now);
      this.#store.give(datagram);
    }
    for (const slot of this.#waitingInner.splice(0)) this.bond.handleInner(slot, this.#clock.read(now) as Micros);
    return true;
  }

  #accept(path: PathId, offset: number, length: number, now: number): void {
    const local = this.#clock.read(now) as Micros;
    this.bond.handleDatagram(offset, length, this.#attachments.get(path)!.addressOffset, local, local);
  }

  /** Drains the bond's outputs. */
  #pump(now: number): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { bond, pool, arena } = this;
    const local = this.#clock.read(now) as Micros;
    for (let slot = bond.pollDeliver(local); slot >= 0; slot = bond.pollDeliver(local)) {
      this.deliveredPackets++;
      this.onInner(arena.view, pool.packetOffset(slot), pool.length[slot]!, now);
      pool.free(slot);
    }
    for (let path = bond.pollTransmit(local); path >= 0; path = bond.pollTransmit(local)) {
      this.#send(path as PathId, now);
    }
    for (let event = bond.pollEvent(); event !== undefined; event = bond.pollEvent()) this.events.push(event);
    this.nextAt = Math.max(now, this.#clock.when(bond.pollTimeout()));
    this.#isPumping = false;
  }

  #send(path: PathId, now: number): void {
    const { offset, lengthBytes, segmentBytes, addressOffset } = this.bond.run;
    const { link, address } = this.#attachments.get(path)!;
    const isReachable = this.isClient || this.arena.bytes[addressOffset] === address;
    this.runs++;
    for (let at = 0; at < lengthBytes; at += segmentBytes) {
      this.datagrams++;
      if (isReachable) link.send(offset + at, Math.min(segmentBytes, lengthBytes - at), now);
    }
  }

  #createBond(): Bond {
    const { role, seed, helpHosts } = this.#options;
    const ownSession = (0x8000_0001 + 2 * this.session + (this.isClient ? 0 : 1)) >>> 0;
    const peerSession = (0x8000_0001 + 2 * this.session + (this.isClient ? 1 : 0)) >>> 0;
    return new Bond(this.pool, new ToyAead(this.arena), {
      role,
      localSession: ownSession,
      remoteSession: peerSession,
      seed,
      helpHosts,
    });
  }
}

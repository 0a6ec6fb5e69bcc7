import { Arena } from "./arena.ts";
import { Bond } from "./bond/bond.ts";
import { PacketPool } from "./packet-pool.ts";
import type { Aead, BondOptions, KeyHandle, Micros, PathId, PathOptions, Slot } from "./types.ts";
import { ADDRESS_BYTES } from "./types.ts";
import { TAG_BYTES } from "./wire/data-header.ts";

/** For tests: authenticates key, nonce and length by a checksum; no secrecy. */
export class TestAead implements Aead {
  readonly #arena: Arena;
  readonly #keys: number[] = [];

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  importKey(key: Uint8Array): KeyHandle {
    return (this.#keys.push(key[0]! + 1) - 1) as KeyHandle;
  }

  dropKey(key: KeyHandle): void {
    this.#keys[key] = 0;
  }

  seal(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    this.#arena.bytes.copyWithin(outOffset, inOffset, inOffset + length);
    this.#arena.view.setInt32(outOffset + length, this.#tag(key, nonceOffset, outOffset, length));
    return length + TAG_BYTES;
  }

  open(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    const plainBytes = length - TAG_BYTES;
    const tag = this.#arena.view.getInt32(inOffset + plainBytes);
    if (tag !== this.#tag(key, nonceOffset, inOffset, plainBytes)) return -1;
    this.#arena.bytes.copyWithin(outOffset, inOffset, inOffset + plainBytes);
    return plainBytes;
  }

  #tag(key: KeyHandle, nonceOffset: number, offset: number, length: number): number {
    let hash = this.#keys[key]!;
    for (let i = 0; i < 12; i++) hash = (Math.imul(hash, 31) + this.#arena.bytes[nonceOffset + i]!) | 0;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + this.#arena.bytes[offset + i]!) | 0;
    return hash;
  }
}

export const micros = (value: number): Micros => value as Micros;
export const pathId = (value: number): PathId => value as PathId;

/** One end of a {@link BondPair}. */
export interface End {
  readonly bond: Bond;
  readonly pool: PacketPool;
}

export interface PairOptions {
  readonly slots?: number;
  readonly bond?: Partial<BondOptions>;
}

/** A client and a server bond joined by memory: what one transmits the other gets after `delayUs`, unless `filter` swallows it. */
export class BondPair {
  readonly arena: Arena;
  readonly client: End;
  readonly server: End;
  readonly delivered: { readonly client: number[][]; readonly server: number[][] } = { client: [], server: [] };
  delayUs = 10_000;
  /** So much of it is spent in the receiving socket. */
  waitUs = 0;
  now = 1_000;
  /** Return false to lose a datagram. */
  filter: (path: number, fromClient: boolean, bytes: Uint8Array) => boolean = () => true;
  readonly #wire: { at: number; fromClient: boolean; path: number; bytes: Uint8Array }[] = [];
  readonly #inbox: number;
  readonly #address: number;

  constructor(options: PairOptions = {}) {
    const slots = options.slots ?? 512;
    this.arena = new Arena(2 * slots * 2_048 + 400_000);
    this.client = this.#createEnd("client", slots, options);
    this.server = this.#createEnd("server", slots, options);
    this.#inbox = this.arena.reserve(2_048);
    this.#address = this.arena.reserve(ADDRESS_BYTES);
  }

  open(id: number, options: Partial<PathOptions> = {}): void {
    const base = { name: `path${id}`, maxDatagramBytes: 1_472, ...options };
    const remote = new Uint8Array(ADDRESS_BYTES).fill(id + 1);
    this.client.bond.openPath(pathId(id), { ...base, remote }, micros(this.now));
    this.server.bond.openPath(pathId(id), base, micros(this.now));
  }

  /** Sends an IPv4 packet of `length` bytes whose last byte is `mark`. */
  send(end: End, length: number, mark: number, port = 5_000, protocol = 17): void {
    const slot = end.pool.alloc();
    const offset = end.pool.packetOffset(slot);
    writePacket(this.arena, offset, length, port, protocol);
    this.arena.bytes[offset + length - 1] = mark;
    end.pool.length[slot] = length;
    end.bond.handleInner(slot, micros(this.now));
    this.drain();
  }

  /** Lets virtual time pass, step by step. */
  run(durationUs: number, stepUs = 500): void {
    const end = this.now + durationUs;
    while (this.now < end) {
      this.now += stepUs;
      this.#deliverDue();
      for (const side of [this.client, this.server]) {
        if (side.bond.pollTimeout() <= this.now) side.bond.handleTimeout(micros(this.now));
      }
      this.drain();
    }
  }

  drain(): void {
    this.#drainEnd(this.client, true);
    this.#drainEnd(this.server, false);
  }

  /** Hands a datagram to the server as if it had come from the network. Returns what `handleDatagram` says. */
  inject(bytes: Uint8Array, address = 1): number {
    this.arena.bytes.set(bytes, this.#inbox);
    this.arena.bytes.fill(address, this.#address, this.#address + ADDRESS_BYTES);
    const now = micros(this.now);
    return this.server.bond.handleDatagram(this.#inbox, bytes.length, this.#address, now, now);
  }

  #deliverDue(): void {
    while (this.#wire.length > 0 && this.#wire[0]!.at <= this.now) {
      const { fromClient, path, bytes } = this.#wire.shift()!;
      const to = fromClient ? this.server : this.client;
      this.arena.bytes.set(bytes, this.#inbox);
      this.arena.bytes.fill(path + 1, this.#address, this.#address + ADDRESS_BYTES);
      const receivedAt = micros(this.now - this.waitUs);
      to.bond.handleDatagram(this.#inbox, bytes.length, this.#address, receivedAt, micros(this.now));
      this.drain();
    }
  }

  #drainEnd(end: End, isClient: boolean): void {
    const { bond, pool } = end;
    const now = micros(this.now);
    for (let slot = bond.pollDeliver(now); slot >= 0; slot = bond.pollDeliver(now)) {
      const offset = pool.packetOffset(slot);
      const bytes = [...this.arena.bytes.subarray(offset, offset + pool.length[slot]!)];
      this.delivered[isClient ? "client" : "server"].push(bytes);
      pool.free(slot as Slot);
    }
    for (let path = bond.pollTransmit(now); path >= 0; path = bond.pollTransmit(now)) {
      const { offset, lengthBytes, segmentBytes } = bond.run;
      for (let at = 0; at < lengthBytes; at += segmentBytes) {
        const length = Math.min(segmentBytes, lengthBytes - at);
        const bytes = this.arena.bytes.slice(offset + at, offset + at + length);
        if (!this.filter(path, isClient, bytes)) continue;
        this.#wire.push({ at: this.now + this.delayUs, fromClient: isClient, path, bytes });
      }
    }
  }

  #createEnd(role: "client" | "server", slots: number, options: PairOptions): End {
    const isClient = role === "client";
    const pool = new PacketPool(this.arena, { slots });
    const bond = new Bond(pool, new TestAead(this.arena), {
      role,
      localSession: isClient ? 0x9000_0001 : 2,
      remoteSession: isClient ? 2 : 0x9000_0001,
      seed: 1,
      ...options.bond,
    });
    const keys = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
    bond.installKeys(1, keys[isClient ? 0 : 1], keys[isClient ? 1 : 0], micros(0));
    return { bond, pool };
  }
}

/** IPv4 header with ports, 10.0.0.1 to 10.0.0.2. */
export function writePacket(arena: Arena, offset: number, length: number, port: number, protocol: number): void {
  const { view } = arena;
  view.setUint32(offset, 0x4500_0000 + length);
  view.setUint32(offset + 4, 0);
  view.setUint32(offset + 8, 0x4000_0000 + protocol * 65_536);
  view.setUint32(offset + 12, 0x0a00_0001);
  view.setUint32(offset + 16, 0x0a00_0002);
  view.setUint16(offset + 20, port);
  view.setUint16(offset + 22, 443);
}

import {
  ADDRESS_BYTES,
  type Aead,
  Arena,
  Bond,
  type KeyHandle,
  type Micros,
  PacketPool,
  type PathId,
  TAG_BYTES,
} from "../src/index.ts";

const SLOTS = 16_384;

/** Two bonds back to back in one process: no sockets, no links, a cipher that only copies. What is measured is the core and nothing else. */
export class BondLoop {
  readonly arena = new Arena(2 * SLOTS * 2_048 + 1_000_000);
  readonly client: Bond;
  readonly server: Bond;
  /** With a fraction, as the clock has it. */
  now = 1_000.25;
  delivered = 0;
  runs = 0;
  datagrams = 0;
  readonly #stepUs: number;
  readonly #pools = [
    new PacketPool(this.arena, { slots: SLOTS }),
    new PacketPool(this.arena, { slots: SLOTS }),
  ] as const;
  readonly #address = this.arena.reserve(ADDRESS_BYTES);

  /** `stepUs`: virtual time between two rounds of the loop. */
  constructor(paths: number, stepUs: number) {
    this.#stepUs = stepUs;
    this.client = this.#createBond("client", this.#pools[0], paths);
    this.server = this.#createBond("server", this.#pools[1], paths);
  }

  /** Hands the client inner TCP packets, as one read of the TUN device brings them. */
  offer(number: number, count: number, packetBytes: number): void {
    const now = this.now as Micros;
    for (let i = 0; i < count; i++) this.#offerOne(number + i, packetBytes, now);
  }

  #offerOne(number: number, packetBytes: number, now: Micros): void {
    const pool = this.#pools[0];
    const slot = pool.alloc();
    if (slot < 0) return;
    const offset = pool.packetOffset(slot);
    const { view } = this.arena;
    view.setInt32(offset, 0x4500_0000 + packetBytes);
    view.setInt32(offset + 8, 0x4006_0000);
    view.setInt32(offset + 12, 0x0a00_0001);
    view.setInt32(offset + 16, 0x0a00_0002);
    view.setInt32(offset + 20, 0x1388_1388);
    view.setInt32(offset + 24, number);
    view.setInt32(offset + 32, 0x5010_ffff);
    pool.length[slot] = packetBytes;
    this.client.handleInner(slot, now);
  }

  /** One round of both ends' loops. */
  step(): void {
    this.now += this.#stepUs;
    this.#pump(this.client, this.server, this.#pools[0]);
    this.#pump(this.server, this.client, this.#pools[1]);
  }

  /** What waits at the client, or is not acknowledged. */
  get heldPackets(): number {
    return SLOTS - this.#pools[0].freeSlots;
  }

  #pump(from: Bond, to: Bond, pool: PacketPool): void {
    const now = this.now as Micros;
    if (from.pollTimeout() <= now) from.handleTimeout(now);
    for (let slot = from.pollDeliver(now); slot >= 0; slot = from.pollDeliver(now)) {
      pool.free(slot);
      this.delivered++;
    }
    for (let path = from.pollTransmit(now); path >= 0; path = from.pollTransmit(now)) {
      const { run } = from;
      this.runs++;
      this.arena.bytes[this.#address] = path + 1;
      for (let at = 0; at < run.lengthBytes; at += run.segmentBytes) {
        this.datagrams++;
        const length = Math.min(run.segmentBytes, run.lengthBytes - at);
        to.handleDatagram(run.offset + at, length, this.#address, now, now);
      }
    }
  }

  #createBond(role: "client" | "server", pool: PacketPool, paths: number): Bond {
    const isClient = role === "client";
    const bond = new Bond(pool, copyingCipher(this.arena), {
      role,
      localSession: isClient ? 1 : 2,
      remoteSession: isClient ? 2 : 1,
      seed: 1,
    });
    bond.installKeys(1, new Uint8Array(32), new Uint8Array(32), 0 as Micros);
    for (let id = 0; id < paths; id++) {
      const remote = isClient ? { remote: new Uint8Array(ADDRESS_BYTES).fill(id + 1) } : {};
      bond.openPath(id as PathId, { name: `p${id}`, maxDatagramBytes: 1_472, ...remote }, 0 as Micros);
    }
    return bond;
  }
}

function copyingCipher({ bytes }: Arena): Aead {
  return {
    importKey: () => 1 as KeyHandle,
    dropKey: () => {},
    seal: (_key, _nonce, input, length, output) => {
      bytes.copyWithin(output, input, input + length);
      return length + TAG_BYTES;
    },
    open: (_key, _nonce, input, length, output) => {
      bytes.copyWithin(output, input, input + length - TAG_BYTES);
      return length - TAG_BYTES;
    },
  };
}

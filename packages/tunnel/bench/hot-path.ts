/**
 * Cost of the core per packet: two bonds back to back in one process, no sockets, a cipher that only copies.
 *   node packages/tunnel/bench/hot-path.ts [packetBytes] [packets]
 */
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

const packetBytes = Number(process.argv[2] ?? 1_400);
const packets = Number(process.argv[3] ?? 2_000_000);
const PATHS = 2;
const BATCH = 64;
/** Virtual time per batch: 64 packets in 150 µs are 4.8 Gbit/s at 1,400 bytes. */
const BATCH_US = 150;
const SLOTS = 16_384;

const arena = new Arena(2 * SLOTS * 2_048 + 1_000_000);
const pools = [new PacketPool(arena, { slots: SLOTS }), new PacketPool(arena, { slots: SLOTS })] as const;
const address = arena.reserve(ADDRESS_BYTES);
const client = createBond("client", pools[0]);
const server = createBond("server", pools[1]);
let now = 1_000;
let delivered = 0;
let runs = 0;
let datagrams = 0;

for (let i = 0; i < 3_000 && !isReady(); i++) exchange();
run(packets / 10);
const rounds = Array.from({ length: 5 }, () => run(packets / 5));
const best = Math.min(...rounds);
console.log(
  `${packetBytes} bytes, ${PATHS} paths: ${best.toFixed(0)} ns per packet (best of 5: ${rounds.map((r) => r.toFixed(0)).join(" ")})`,
);
console.log(
  `copying cipher alone: ${copyCost().toFixed(0)} ns per packet; datagrams per run: ${(datagrams / runs).toFixed(1)}`,
);

function run(count: number): number {
  const startDelivered = delivered;
  const startedAt = process.cpuUsage();
  for (let sent = 0; sent < count; sent += BATCH) {
    for (let i = 0; i < BATCH; i++) offer(sent + i);
    exchange();
  }
  while (client.stats().queuePackets > 0) exchange();
  for (let i = 0; i < 40; i++) exchange();
  return cpuNs(startedAt) / (delivered - startDelivered);
}

function offer(number: number): void {
  const pool = pools[0];
  const slot = pool.alloc();
  if (slot < 0) return;
  const offset = pool.packetOffset(slot);
  arena.view.setUint32(offset, 0x4500_0000 + packetBytes);
  arena.view.setUint32(offset + 8, 0x4006_0000);
  arena.view.setUint32(offset + 12, 0x0a00_0001);
  arena.view.setUint32(offset + 16, 0x0a00_0002);
  arena.view.setUint32(offset + 20, 0x1388_1388);
  arena.view.setUint32(offset + 24, number);
  pool.length[slot] = packetBytes;
  client.handleInner(slot, now as Micros);
}

function exchange(): void {
  now += BATCH_US;
  pump(client, server, pools[0]);
  pump(server, client, pools[1]);
}

function pump(from: Bond, to: Bond, pool: PacketPool): void {
  if (from.pollTimeout() <= now) from.handleTimeout(now as Micros);
  for (let slot = from.pollDeliver(now as Micros); slot >= 0; slot = from.pollDeliver(now as Micros)) {
    pool.free(slot);
    delivered++;
  }
  for (let path = from.pollTransmit(now as Micros); path >= 0; path = from.pollTransmit(now as Micros)) {
    const { offset, lengthBytes, segmentBytes } = from.run;
    runs++;
    arena.bytes[address] = path + 1;
    for (let at = 0; at < lengthBytes; at += segmentBytes) {
      datagrams++;
      to.handleDatagram(offset + at, Math.min(segmentBytes, lengthBytes - at), address, now as Micros, now as Micros);
    }
  }
}

function isReady(): boolean {
  return client.pathIds().every((id) => client.pathStats(id).capacityBps > 5e9 && server.pathStats(id).state === "up");
}

function createBond(role: "client" | "server", pool: PacketPool): Bond {
  const isClient = role === "client";
  const bond = new Bond(pool, copyingCipher(), {
    role,
    localSession: isClient ? 1 : 2,
    remoteSession: isClient ? 2 : 1,
    seed: 1,
  });
  bond.installKeys(1, new Uint8Array(32), new Uint8Array(32), 0 as Micros);
  for (let id = 0; id < PATHS; id++) {
    const remote = isClient ? { remote: new Uint8Array(ADDRESS_BYTES).fill(id + 1) } : {};
    bond.openPath(id as PathId, { name: `p${id}`, maxDatagramBytes: 1_472, ...remote }, 0 as Micros);
  }
  return bond;
}

function copyingCipher(): Aead {
  const { bytes } = arena;
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

/** User time of this process: a busy machine does not count. */
function cpuNs(since: NodeJS.CpuUsage): number {
  return process.cpuUsage(since).user * 1_000;
}

function copyCost(): number {
  const startedAt = process.cpuUsage();
  for (let i = 0; i < 400_000; i++) {
    const offset = (i % 8_192) * 2_048;
    arena.bytes.copyWithin(pools[0].transmitOffset, offset, offset + packetBytes);
  }
  return cpuNs(startedAt) / 200_000;
}

/**
 * Cost of the core per packet: two bonds back to back in one process, no sockets, a cipher that only copies.
 *   node packages/tunnel/bench/hot-path.ts [packetBytes] [packets]
 */
import { BondLoop } from "./bond-loop.ts";

const packetBytes = Number(process.argv[2] ?? 1_400);
const packets = Number(process.argv[3] ?? 2_000_000);
const PATHS = 2;
const BATCH = 64;
/** Virtual time per batch: 64 packets in 150 µs are 4.8 Gbit/s at 1,400 bytes. */
const BATCH_US = 150;
const CAPACITY_BPS = 5e9;

const loop = new BondLoop(PATHS, BATCH_US);
loop.warmUp(CAPACITY_BPS);
run(packets / 10);
const rounds = Array.from({ length: 5 }, () => run(packets / 5));
const best = Math.min(...rounds);
console.log(
  `${packetBytes} bytes, ${PATHS} paths: ${best.toFixed(0)} ns per packet (best of 5: ${rounds.map((r) => r.toFixed(0)).join(" ")})`,
);
console.log(
  `copying cipher alone: ${copyCost().toFixed(0)} ns per packet; datagrams per run: ${(loop.datagrams / loop.runs).toFixed(1)}`,
);

function run(count: number): number {
  const startDelivered = loop.delivered;
  const startedAt = process.cpuUsage();
  for (let sent = 0; sent < count; sent += BATCH) {
    loop.offer(sent, BATCH, packetBytes);
    loop.step();
  }
  loop.drain();
  return cpuNs(startedAt) / (loop.delivered - startDelivered);
}

/** User time of this process: a busy machine does not count. */
function cpuNs(since: NodeJS.CpuUsage): number {
  return process.cpuUsage(since).user * 1_000;
}

function copyCost(): number {
  const startedAt = process.cpuUsage();
  for (let i = 0; i < 400_000; i++) {
    const offset = (i % 8_192) * 2_048;
    loop.arena.bytes.copyWithin(16_384 * 2_048, offset, offset + packetBytes);
  }
  return cpuNs(startedAt) / 200_000;
}

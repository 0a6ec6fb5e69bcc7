/**
 * Cost of the core per packet: two bonds back to back in one process, no sockets, a cipher that only copies.
 *   node packages/tunnel/bench/hot-path.ts [packetBytes] [packets]
 */
import { BondLoop } from "./bond-loop.ts";

const packetBytes = Number(process.argv[2] ?? 1_400);
const packets = Number(process.argv[3] ?? 2_000_000);
const PATHS = 2;
const BATCH = 64;
/** Virtual time per round of the loop. */
const STEP_US = 150;
/** There is always something to send, and never so much that some is dropped. */
const HELD_PACKETS_MAX = 1_024;

const loop = new BondLoop(PATHS, STEP_US);
let number = 0;
run(packets / 2);
const rounds = Array.from({ length: 5 }, () => run(packets / 5));
const best = Math.min(...rounds);

console.log(
  `${packetBytes} bytes, ${PATHS} paths: ${best.toFixed(0)} ns per packet (best of 5: ${rounds.map((r) => r.toFixed(0)).join(" ")})`,
);
console.log(
  `copying cipher alone: ${copyCost().toFixed(0)} ns per packet; datagrams per run: ${(loop.datagrams / loop.runs).toFixed(1)}`,
);

function run(count: number): number {
  const before = loop.delivered;
  const startedAt = process.cpuUsage();
  while (loop.delivered - before < count) {
    if (loop.heldPackets < HELD_PACKETS_MAX) {
      loop.offer(number, BATCH, packetBytes);
      number += BATCH;
    }
    loop.step();
  }
  return cpuNs(startedAt) / (loop.delivered - before);
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

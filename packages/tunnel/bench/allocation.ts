/**
 * What the core allocates: two bonds back to back under load for a minute of virtual time. Prints bytes of garbage per packet, the heap before and after, and where the bytes
 * come from. Ends with an error if a packet costs more than a few boxed numbers, or if the heap has grown.
 *   node packages/tunnel/bench/allocation.ts [--seconds S] [--sites N]
 */
import { Session } from "node:inspector";
import { parseArgs } from "node:util";
import { GCProfiler, getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BondLoop } from "./bond-loop.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, sites: { type: "string", default: "0" } },
});

const PATHS = 3;
const PACKET_BYTES = 1_400;
/** 16 packets a millisecond are 180 Mbit/s. */
const BATCH = 16;
const STEP_US = 1_000;
/** 2.2 GB: counters of bytes have outgrown small integers. */
const WARM_UP_STEPS = 100_000;
/** A boxed number has 16 bytes; how many there are depends on what the compiler has inlined in this run. */
const BYTES_PER_PACKET_MAX = 100;
const HEAP_GROWTH_MAX_BYTES = 1_000_000;
const SAMPLING_BYTES = 256;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const loop = new BondLoop(PATHS, STEP_US);
let number = 0;
load(WARM_UP_STEPS);
const steps = Math.round((Number(values.seconds) * 1e6) / STEP_US);
if (values.sites === "0") measure();
else printSites(Number(values.sites));

function load(count: number): void {
  for (let i = 0; i < count; i++) {
    loop.offer(number, BATCH, PACKET_BYTES);
    number += BATCH;
    loop.step();
  }
}

function measure(): void {
  collectGarbage();
  const profiler = new GCProfiler();
  const heapBefore = getHeapStatistics().used_heap_size;
  const packetsBefore = loop.delivered;
  profiler.start();
  const startBytes = getHeapStatistics().used_heap_size;
  load(steps);
  const endBytes = getHeapStatistics().used_heap_size;
  const { statistics } = profiler.stop() ?? { statistics: [] };
  // Between two collections the heap grows by what was allocated.
  let allocated = 0;
  let from = startBytes;
  for (const { beforeGC, afterGC } of statistics) {
    allocated += beforeGC.heapStatistics.usedHeapSize - from;
    from = afterGC.heapStatistics.usedHeapSize;
  }
  allocated += endBytes - from;
  collectGarbage();
  const heapAfter = getHeapStatistics().used_heap_size;
  const packets = loop.delivered - packetsBefore;
  const perPacket = allocated / packets;
  console.log(
    `${values.seconds} s of virtual time, ${packets} packets: ${allocated} bytes allocated, ${perPacket.toFixed(3)} per packet, ${statistics.length} collections; heap ${heapBefore} before, ${heapAfter} after`,
  );
  if (perPacket > BYTES_PER_PACKET_MAX || heapAfter - heapBefore > HEAP_GROWTH_MAX_BYTES) process.exitCode = 1;
}

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

/** The sampling heap profiler's view of the same load. */
function printSites(count: number): void {
  const session = new Session();
  session.connect();
  session.post("HeapProfiler.startSampling", {
    samplingInterval: SAMPLING_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as object);
  load(steps);
  session.post("HeapProfiler.stopSampling", (_error, result) => {
    const sites = new Map<string, number>();
    addSites((result as unknown as { profile: { head: ProfileNode } }).profile.head, sites);
    for (const [site, bytes] of [...sites].toSorted((a, b) => b[1] - a[1]).slice(0, count)) {
      console.log(`${(bytes / (steps * BATCH)).toFixed(3)} bytes per packet: ${site}`);
    }
  });
}

function addSites({ callFrame, selfSize, children }: ProfileNode, sites: Map<string, number>): void {
  const file = callFrame.url.split("/").at(-1);
  const site = `${callFrame.functionName} ${file}:${callFrame.lineNumber + 1}`;
  if (selfSize > 0) sites.set(site, (sites.get(site) ?? 0) + selfSize);
  for (const child of children) addSites(child, sites);
}

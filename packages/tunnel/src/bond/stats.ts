import type { Path } from "../path/path.ts";
import type { BondStats, DropReason, PathStats } from "../types.ts";
import { DROP_REASONS } from "../types.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Inlet } from "./inlet.ts";
import type { Receiver } from "./receiver.ts";
import type { Resequencer } from "./resequencer.ts";
import type { Transmitter } from "./transmitter.ts";

/** Bytes per µs to bits per second. */
const BPS = 8e6;

export function pathStatsOf(path: Path): PathStats {
  const { rtt, congestion, sent, received, loss } = path;
  return {
    id: path.id,
    name: path.name,
    state: path.life.state.kind,
    srttUs: rtt.hasSample ? Math.round(rtt.smoothedUs) : 0,
    minRttUs: rtt.hasSample ? Math.round(rtt.minUs) : 0,
    rttVarUs: rtt.hasSample ? Math.round(rtt.variationUs) : 0,
    capacityBps: Math.round(congestion.pipe.bandwidth * BPS),
    pacingBps: Math.round(path.rate * BPS),
    inFlightBytes: sent.inFlightBytes,
    windowBytes: Math.round(congestion.windowBytes),
    txPackets: path.sentPackets,
    txBytes: path.sentBytes,
    rxPackets: received.packetsReceived,
    rxBytes: received.bytesReceived,
    lostPackets: loss.lostPackets,
    lossPpm: path.lossMeter.linkPpm,
    repairedPackets: path.repairedPackets,
    repairedBytes: path.repairedBytes,
    txAckBytes: path.ackBytes,
    txProbeBytes: path.probeBytes,
    mtuBytes: path.maxDatagramBytes + path.headerBytes,
  };
}

export function bondStatsOf(
  inlet: Inlet,
  dispatcher: Dispatcher,
  { copies, fec }: Transmitter,
  receiver: Receiver,
  resequencer: Resequencer,
): BondStats {
  const drops = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, receiver.drops[index + 1]!]));
  return {
    innerTxPackets: inlet.packets,
    innerTxBytes: inlet.bytes,
    innerRxPackets: resequencer.deliveredPackets,
    innerRxBytes: resequencer.deliveredBytes,
    queueDrops: inlet.overflowPackets + dispatcher.drops.droppedPackets,
    queuePackets: dispatcher.queue.packets,
    queueBytes: dispatcher.queue.bytes,
    duplicatePackets: resequencer.duplicatePackets,
    copiedPackets: copies.sentPackets + dispatcher.spare.sentPackets + dispatcher.late.sentPackets,
    skippedCopies: copies.skippedPackets,
    parityPackets: fec.parityPackets,
    recoveredPackets: receiver.fec.recoveredPackets,
    skippedGaps: resequencer.skippedGaps,
    resequencingPackets: resequencer.heldPackets,
    drops: drops as Record<DropReason, number>,
  };
}

/** Snapshots of the loop as PathTelemetry for the bus, and as the link report that the peer gets. Pure but for the clock it is given. */

import { common, type control, type telemetry } from "@edgebos/proto";
import type { PathState } from "@edgebos/tunnel";
import type { PathSnapshot, SessionSnapshot } from "./loop/commands.ts";

/** What the main thread knows of a session's peer. */
export interface PeerInfo {
  readonly session: number;
  /** Client name on a server, "server" on a client. */
  readonly peer: string;
  readonly connected: boolean;
  /** Unix milliseconds. */
  readonly sinceMs: number;
  readonly innerV4: string;
  readonly innerV6: string;
  readonly epoch: number;
  /** What the peer says of its sending direction, by path number. */
  readonly reports: ReadonlyMap<number, { readonly capacityBps: number; readonly lossPpm: number }>;
}

export class TelemetryBook {
  #latest: telemetry.PathTelemetry = { timeMs: 0, paths: [], peers: [] };

  get latest(): telemetry.PathTelemetry {
    return this.#latest;
  }

  /** Takes a snapshot. Sessions whose peer is not known (any more) are left out. */
  update(sessions: readonly SessionSnapshot[], peers: readonly PeerInfo[], timeMs: number): telemetry.PathTelemetry {
    const previous = this.#latest;
    const paths: telemetry.PathSample[] = [];
    const peerSamples: telemetry.PeerSample[] = [];
    for (const peer of peers) {
      const session = sessions.find(({ session }) => session === peer.session);
      if (session === undefined) continue;
      peerSamples.push(peerSample(peer, session));
      for (const path of session.paths) paths.push(pathSample(peer, path, previous, timeMs));
    }
    this.#latest = { timeMs, paths, peers: peerSamples };
    return this.#latest;
  }
}

/** One session's part of a LinkReport. */
export function pathReports(session: SessionSnapshot): control.PathReport[] {
  return session.paths.map(({ id, capacityBps, lossPpm, srttUs, state }) => ({
    pathId: id,
    capacityBps: Math.round(capacityBps),
    lossPpm: Math.round(lossPpm),
    srttUs: Math.round(srttUs),
    state: STATES[state],
  }));
}

const STATES: Readonly<Record<PathState["kind"], common.PathState>> = {
  probing: common.PathState.PROBING,
  up: common.PathState.UP,
  stalled: common.PathState.STALLED,
  suspended: common.PathState.SUSPENDED,
};

function peerSample(peer: PeerInfo, { session, stats }: SessionSnapshot): telemetry.PeerSample {
  return {
    peer: peer.peer,
    connected: peer.connected,
    sinceMs: peer.sinceMs,
    innerV4: peer.innerV4,
    innerV6: peer.innerV6,
    session,
    epoch: peer.epoch,
    txBytes: stats.innerTxBytes,
    rxBytes: stats.innerRxBytes,
    txPackets: stats.innerTxPackets,
    rxPackets: stats.innerRxPackets,
    queueDrops: stats.queueDrops,
    queuePackets: stats.queuePackets,
    duplicatePackets: stats.duplicatePackets,
    skippedGaps: stats.skippedGaps,
    resequencingPackets: stats.resequencingPackets,
    drops: { ...stats.drops },
    copiedPackets: stats.copiedPackets,
    skippedCopies: stats.skippedCopies,
    parityPackets: stats.parityPackets,
    recoveredPackets: stats.recoveredPackets,
  };
}

function pathSample(
  { peer, reports }: PeerInfo,
  path: PathSnapshot,
  previous: telemetry.PathTelemetry,
  timeMs: number,
): telemetry.PathSample {
  const before = previous.paths.find((sample) => sample.peer === peer && sample.pathId === path.id);
  const seconds = (timeMs - previous.timeMs) / 1000;
  const rate = (bytes: number, bytesBefore: number | undefined) =>
    bytesBefore === undefined || seconds <= 0 ? 0 : Math.round((Math.max(0, bytes - bytesBefore) * 8) / seconds);
  const report = reports.get(path.id);
  return {
    peer,
    link: path.name,
    pathId: path.id,
    state: STATES[path.state],
    srttUs: Math.round(path.srttUs),
    minRttUs: Math.round(path.minRttUs),
    rttvarUs: Math.round(path.rttVarUs),
    lossPpm: Math.round(path.lossPpm),
    capacityBps: Math.round(path.capacityBps),
    pacingBps: Math.round(path.pacingBps),
    inFlightBytes: path.inFlightBytes,
    txBytes: path.txBytes,
    rxBytes: path.rxBytes,
    txPackets: path.txPackets,
    rxPackets: path.rxPackets,
    lostPackets: path.lostPackets,
    repairedPackets: path.repairedPackets,
    repairedBytes: path.repairedBytes,
    txAckBytes: path.txAckBytes,
    txProbeBytes: path.txProbeBytes,
    txRateBps: rate(path.txBytes, before?.txBytes),
    rxRateBps: rate(path.rxBytes, before?.rxBytes),
    peerCapacityBps: report?.capacityBps ?? 0,
    peerLossPpm: report?.lossPpm ?? 0,
    remote: path.remote,
    mtuBytes: path.mtuBytes,
  };
}

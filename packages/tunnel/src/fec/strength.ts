/** How much parity: rules without state, from measured loss in parts per million. */

const PPM = 1e6;
/** Loss from which on packets are protected. */
const LOSS_MIN_PPM = 500;
/** Loss is reckoned with at least this much: a call that lost one packet of thousands may lose the next. */
const LOSS_FLOOR = 0.005;
/** Losses to be expected in a group that one parity has to make good. */
const GROUP_LOSSES = 0.12;
const GROUP_MAX = 8;
/** Share of packets that may still come late. */
const RESIDUAL = 1e-3;
const PARITY_MAX = 3;

export function isLossy(lossPpm: number): boolean {
  return lossPpm >= LOSS_MIN_PPM;
}

/** Packets that share one parity, at most. */
export function groupMax(lossPpm: number): number {
  return Math.min(GROUP_MAX, Math.max(1, Math.floor(GROUP_LOSSES / shareOf(lossPpm))));
}

/** Parity packets per group, so that a packet and all its parity are rarely lost together. */
export function parityCount(sourceLossPpm: number, parityLossPpm: number): number {
  let residual = shareOf(sourceLossPpm) * shareOf(parityLossPpm);
  let count = 1;
  while (residual > RESIDUAL && count < PARITY_MAX) {
    residual *= shareOf(parityLossPpm);
    count++;
  }
  return count;
}

function shareOf(lossPpm: number): number {
  return Math.max(LOSS_FLOOR, lossPpm / PPM);
}

import { link, type telemetry } from "@edgebos/proto";

/**
 * Smooths what dataplane measured of a link's path. RTT and capacity come smoothed already and are only steadied; loss
 * and rates are noisy and are averaged. `elapsedMs` is the time since `previous`. Stability is not known here and is
 * carried over.
 */
export function nextQuality(
  previous: link.LinkQuality | undefined,
  sample: telemetry.PathSample,
  elapsedMs: number,
): link.LinkQuality {
  const toward = (old: number | undefined, value: number, timeConstantMs: number) =>
    old === undefined || old === 0 ? value : Math.round(old + (value - old) * gain(elapsedMs, timeConstantMs));
  // A path that does not answer has no RTT of its own: the last known one stands.
  const heard = sample.srttUs > 0;
  return {
    rttUs: heard ? toward(previous?.rttUs, sample.srttUs, DELAY_TIME_CONSTANT_MS) : (previous?.rttUs ?? 0),
    minRttUs: sample.minRttUs > 0 ? sample.minRttUs : (previous?.minRttUs ?? 0),
    jitterUs: heard ? toward(previous?.jitterUs, sample.rttvarUs, DELAY_TIME_CONSTANT_MS) : (previous?.jitterUs ?? 0),
    lossPpm: toward(previous?.lossPpm, Math.max(sample.lossPpm, sample.peerLossPpm), LOSS_TIME_CONSTANT_MS),
    capacityUpBps: sample.capacityBps > 0 ? sample.capacityBps : (previous?.capacityUpBps ?? 0),
    capacityDownBps: sample.peerCapacityBps > 0 ? sample.peerCapacityBps : (previous?.capacityDownBps ?? 0),
    rateUpBps: toward(previous?.rateUpBps, sample.txRateBps, RATE_TIME_CONSTANT_MS),
    rateDownBps: toward(previous?.rateDownBps, sample.rxRateBps, RATE_TIME_CONSTANT_MS),
    stability: previous?.stability ?? 0,
  };
}

/** Whether a reader would see a difference: more than 2 % in any figure, or the appearance or end of one. */
export function differsVisibly(a: link.LinkQuality | undefined, b: link.LinkQuality | undefined): boolean {
  if (a === undefined || b === undefined) return a !== b;
  const fields = Object.keys(link.LinkQuality.create()) as (keyof link.LinkQuality)[];
  return fields.some((field) => Math.abs(a[field] - b[field]) > VISIBLE_SHARE * Math.max(a[field], b[field]));
}

/** Share of a step that is followed after `elapsedMs` by a first-order low-pass. */
function gain(elapsedMs: number, timeConstantMs: number): number {
  return 1 - Math.exp(-Math.max(0, elapsedMs) / timeConstantMs);
}

/** The samples hold srtt, which is an average over several round trips already. */
const DELAY_TIME_CONSTANT_MS = 500;
/** Loss comes in bursts; a burst shall not look like a bad link. */
const LOSS_TIME_CONSTANT_MS = 2000;
/** A person watching a download wants to see a change within about a second. */
const RATE_TIME_CONSTANT_MS = 700;
const VISIBLE_SHARE = 0.02;

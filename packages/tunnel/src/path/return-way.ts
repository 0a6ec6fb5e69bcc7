import type { AckFrame } from "../wire/frames.ts";
import type { Path } from "./path.ts";
import type { SentLedger } from "./sent-ledger.ts";

/** Acks travel over the quickest path; a copy goes this often over the path they concern, or a dead quick path would look like many dead ones. */
export const OWN_COPY_EVERY_US = 20_000;
/** A path that is heard this much later than an ack of another one, without a further one, is not what that other one lacks. */
const HEARD_US = 15_000;
const GAIN = 1 / 8;

/**
 * Over which path the acks of a path come back. When that one dies, they are missing although the path itself carries: what is left of them are the copies over the
 * path itself, which are rarer and take longer.
 */
export class ReturnWay {
  /** Path that brought the newest ack; undefined before the first. */
  carrier: Path | undefined = undefined;
  /** Round trip with the ack over the path itself; 0 = not known. */
  #ownUs = 0;

  /** Notes an ack of `path` that `carrier` brought. Returns whether it is the first new one to come this way. */
  onAck(ack: AckFrame, path: Path, carrier: Path, isNew: boolean, now: number): boolean {
    if (carrier === path) this.#measure(ack, path.sent, now);
    if (!isNew || carrier === this.carrier) return false;
    this.carrier = carrier;
    return true;
  }

  /** How much longer silence has to be borne: not at all, unless the carrier fell silent with the acks. */
  patienceUs(path: Path): number {
    const { carrier } = this;
    if (carrier === undefined || carrier === path) return 0;
    if (carrier.received.lastReceivedAt > path.liveness.lastAckAt + HEARD_US) return 0;
    return Math.max(0, this.#ownUs - path.rtt.smoothedUs) + OWN_COPY_EVERY_US;
  }

  #measure(ack: AckFrame, sent: SentLedger, now: number): void {
    if (!sent.isKnown(ack.largest)) return;
    const roundTripUs = now - sent.sentAt[ack.largest & sent.mask]! - ack.delayUs;
    this.#ownUs += this.#ownUs === 0 ? roundTripUs : (roundTripUs - this.#ownUs) * GAIN;
  }
}

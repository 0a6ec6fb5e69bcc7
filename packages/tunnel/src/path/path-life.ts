import type { Micros, PathState } from "../types.ts";
import { overdueBefore, type Silence } from "./liveness.ts";
import type { Path } from "./path.ts";
import type { SentSink } from "./sent-ledger.ts";

/** A path without a plan may be measured with trains after this long. */
const TRAIN_GRACE_US = 500_000;
const NEVER = Number.POSITIVE_INFINITY as Micros;

/**
 * The life of one path: it is probing until it answers, up while it does, stalled when what it owes does not come, suspended while its link is gone.
 * From that, and from its plan, follows with what it is probed, and when.
 */
export class PathLife {
  state: PathState;
  /** A PING has to leave with the next transmission. */
  isPingWanted = false;
  /** Packets given up for want of an ack, which the next ack confirms to be losses and not an outage. */
  tailLost = 0;
  readonly #path: Path;

  constructor(path: Path, now: Micros) {
    this.#path = path;
    this.state = { kind: "probing", since: now };
  }

  /** It answers, and packets may be given to it. */
  get isUp(): boolean {
    return this.state.kind === "up";
  }

  get isSuspended(): boolean {
    return this.state.kind === "suspended";
  }

  rise(now: Micros): void {
    const { mtu, train, pacer } = this.#path;
    mtu.onRise();
    if (this.state.kind === "probing") train.begin(now);
    this.state = { kind: "up", since: now };
    pacer.reset(now);
  }

  /** Judges missing acknowledgements. By `tail` what is overdue counts as lost (until a late ack says otherwise), by `stalled` all that is in flight. */
  judgeSilence(sink: SentSink, now: Micros): Silence {
    if (!this.isUp || this.silenceAt() > now) return "none";
    const { sent, liveness } = this.#path;
    const timeoutUs = this.#ackTimeoutUs();
    const silence = liveness.judge(sent, timeoutUs, now);
    if (silence === "none") return silence;
    const { inFlightPackets } = sent;
    this.#path.abandon(silence === "tail" ? overdueBefore(timeoutUs, now) : now, sink, now);
    this.tailLost = silence === "tail" ? this.tailLost + inFlightPackets - sent.inFlightPackets : 0;
    this.isPingWanted = true;
    if (silence === "stalled") this.state = { kind: "stalled", since: now };
    return silence;
  }

  /** The link is gone. Packet numbers and the replay window stay. */
  suspend(sink: SentSink, now: Micros): void {
    this.#path.abandon(now, sink, now);
    this.#path.sent.clear(sink);
    this.state = { kind: "suspended", since: now };
    this.isPingWanted = false;
  }

  /** The link is back. */
  restart(now: Micros): void {
    const { liveness } = this.#path;
    liveness.onAnswer(now);
    liveness.lastElicitingAt = Number.NEGATIVE_INFINITY;
    this.state = { kind: "probing", since: now };
  }

  /** When silence has to be judged. */
  silenceAt(): Micros {
    if (!this.isUp) return NEVER;
    const { liveness, sent, rtt } = this.#path;
    return liveness.silenceAt(sent, rtt, this.#ackTimeoutUs());
  }

  probeAt(isBondBusy: boolean, probeEveryUs: number): Micros {
    const { hasRemote, liveness, plan } = this.#path;
    if (this.isSuspended || !hasRemote) return NEVER;
    return liveness.probeAt(this.isUp, plan.role === "metered", isBondBusy, probeEveryUs);
  }

  /** When the next capacity train is due. Metered and limited paths are never measured with trains. */
  trainAt(): Micros {
    const { plan, isPlanned, train } = this.#path;
    const isExcluded = !this.isUp || plan.role === "metered" || plan.rateLimitBps > 0;
    if (isExcluded) return NEVER;
    const graceUntil = isPlanned ? 0 : this.state.since + TRAIN_GRACE_US;
    return Math.max(train.dueAt(), graceUntil) as Micros;
  }

  /** Size of the datagram that has to leave now to probe the path's MTU; 0 if none. */
  pollMtuProbe(now: Micros): number {
    const { mtu, plan } = this.#path;
    if (this.isUp) return mtu.poll(plan.role === "metered", now);
    return this.state.kind === "probing" && this.isPingWanted ? mtu.pollStart() : 0;
  }

  /** When `pollMtuProbe` has something to say without a ping. */
  mtuProbeAt(): Micros {
    const { mtu, plan } = this.#path;
    return this.isUp ? mtu.dueAt(plan.role === "metered") : NEVER;
  }

  #ackTimeoutUs(): number {
    const { liveness, returnWay, sent, rtt, oneWay } = this.#path;
    return liveness.timeoutUs(sent, rtt, oneWay) + returnWay.patienceUs(this.#path);
  }
}

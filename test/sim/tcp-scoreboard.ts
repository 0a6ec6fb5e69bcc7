import type { DeliveryRate } from "./delivery-rate.ts";

/** Packets that have to arrive beyond a hole before it is lost: the bond shows a host no reordering. */
const REORDER_PACKETS = 3;
const SENT = 1;
const SACKED = 2;
const LOST = 3;
const RESENT = 4;

/** What a TCP sender knows of each packet between the cumulative ack and the newest one sent. Numbers count packets, from 0. */
export class TcpScoreboard {
  /** First packet that is not acknowledged. */
  acked = 0;
  /** Next packet to be sent for the first time. */
  next = 0;
  inFlight = 0;
  readonly #rate: DeliveryRate;
  readonly #state: Uint8Array;
  readonly #mask: number;
  #highestSacked = 0;
  /** Recovery ends when this is acknowledged; -1: none goes on. */
  #recoveryEnd = -1;
  #lossScan = 0;
  #retransmitFrom = 0;

  /** `ring`: a power of two, larger than any window. */
  constructor(ring: number, rate: DeliveryRate) {
    this.#rate = rate;
    this.#mask = ring - 1;
    this.#state = new Uint8Array(ring);
  }

  get isRecovering(): boolean {
    return this.#recoveryEnd >= 0;
  }

  noteSent(number: number, isRetransmission: boolean, now: number): void {
    const index = number & this.#mask;
    this.#state[index] = isRetransmission ? RESENT : SENT;
    this.#rate.noteSent(index, number === this.acked && !isRetransmission, now);
    this.inFlight++;
  }

  noteAcked(cumulative: number): void {
    this.#deliver(this.acked, cumulative);
    for (let n = this.acked; n < cumulative; n++) this.#state[n & this.#mask] = 0;
    this.acked = cumulative;
  }

  noteSacked(from: number, end: number): void {
    this.#deliver(Math.max(this.acked, from), end);
    this.#highestSacked = Math.max(this.#highestSacked, end);
  }

  /** Ends a recovery whose packets are all acknowledged. */
  endRecovery(): void {
    if (this.acked >= this.#recoveryEnd) this.#recoveryEnd = -1;
  }

  /** Returns how many packets are found to be lost. A loss outside of a recovery begins one. */
  detectLoss(): number {
    let lost = 0;
    this.#lossScan = Math.max(this.#lossScan, this.acked);
    for (; this.#lossScan < this.#highestSacked - REORDER_PACKETS; this.#lossScan++) {
      const index = this.#lossScan & this.#mask;
      if (this.#state[index] !== SENT) continue;
      this.#state[index] = LOST;
      this.inFlight--;
      lost++;
    }
    if (lost === 0) return 0;
    this.#retransmitFrom = this.acked;
    if (!this.isRecovering) this.#recoveryEnd = this.next;
    return lost;
  }

  /** The retransmission timer has run out: all that is under way is taken for lost. */
  loseAll(): void {
    for (let n = this.acked; n < this.next; n++) {
      const index = n & this.#mask;
      if (this.#state[index] === SENT || this.#state[index] === RESENT) this.#state[index] = LOST;
    }
    this.inFlight = 0;
    this.#retransmitFrom = this.acked;
    this.#recoveryEnd = this.next;
  }

  /** The timer ran out too early: what was taken for lost and not sent again is under way. */
  restoreAll(): void {
    for (let n = this.acked; n < this.next; n++) {
      const index = n & this.#mask;
      if (this.#state[index] !== LOST) continue;
      this.#state[index] = SENT;
      this.inFlight++;
    }
    this.#lossScan = this.acked;
    this.#recoveryEnd = -1;
  }

  /** The first lost packet that was not sent again, or -1. */
  nextLost(): number {
    const end = Math.min(this.next, Math.max(this.#lossScan, this.#recoveryEnd));
    for (; this.#retransmitFrom < end; this.#retransmitFrom++) {
      if (this.#state[this.#retransmitFrom & this.#mask] === LOST) return this.#retransmitFrom;
    }
    return -1;
  }

  /** Packets that have arrived, those of them that were not known to. */
  #deliver(from: number, end: number): void {
    for (let n = from; n < end; n++) {
      const index = n & this.#mask;
      const state = this.#state[index];
      if (state === SACKED) continue;
      if (state === SENT || state === RESENT) this.inFlight--;
      this.#state[index] = SACKED;
      this.#rate.noteDelivered(index);
    }
  }
}

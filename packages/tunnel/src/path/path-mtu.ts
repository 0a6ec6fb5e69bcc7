import type { Micros } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";
import type { SentLedger, SentSink } from "./sent-ledger.ts";
import { MTU_BASE_BYTES } from "./size-evidence.ts";

// From the specification (RFC 8899 §5.1).
/** MAX_PROBES: so many probes of a size are lost before it counts as too large. */
const PROBES_MAX = 3;
/** PMTU_RAISE_TIMER: a path may have become wider. */
const RAISE_US = 600_000_000;

// Ours.
/** Right after a search a wider size is asked for sooner: a few losses in a row are more often chance than width. Doubles up to RAISE_US. */
const RAISE_FIRST_US = 60_000_000;
const RAISE_METERED_US = 3_600_000_000;
/** Largest datagram worth probing: no inner packet is longer than a packet buffer. */
const DATAGRAM_MAX_BYTES = 2_048;
/** The search ends this close to what does not pass; 16 bytes are one per cent. */
const GRAIN_BYTES = 16;
/** Pings of a path that does not answer yet which a probe accompanies: the peer may open its side a little later. */
const START_PROBES = 3;
/** MTUs that links really have: IPv6's least, VPNs, mobile networks, WireGuard, GRE, IP in IP, PPPoE. */
const COMMON_MTUS = [1_280, 1_358, 1_400, 1_420, 1_428, 1_440, 1_460, 1_480, 1_492] as const;

/**
 * Datagram packetization layer path MTU discovery (RFC 8899) of one path and direction: which datagram is known to pass. Sizes are bytes of UDP payload.
 *
 * The ceiling is probed along with the path's first pings, so that an ordinary path is known to be wide when it is known to live. What does not pass is
 * narrowed down by common sizes, then by halves. A probe is no inner packet: its loss costs nothing, is not repaired, and says nothing of
 * congestion. A PING follows each probe; its acknowledgement without the probe's is the loss.
 */
export class PathMtu {
  /** Largest datagram known to pass. Never below MTU_BASE_BYTES. */
  confirmedBytes: number = MTU_BASE_BYTES;
  #ceilingBytes: number = MTU_BASE_BYTES;
  #headerBytes = 0;
  /** Smallest size believed not to pass; above the ceiling while none is known. */
  #tooLargeBytes = 0;
  /** Size in question; 0: the search has ended. */
  #probeBytes = 0;
  #lostProbes = 0;
  #lostProbesMax: number = PROBES_MAX;
  #startProbes = 0;
  /** Packet number of the probe that is under way; 0 = none. */
  #packetNumber = 0;
  /** An ack that does not name the probe says that it is lost from here on. */
  #overtakenAt = 0.5;
  #settledAt = 0.5;
  #raiseUs = RAISE_FIRST_US;
  readonly #sent: SentLedger;

  constructor(sent: SentLedger) {
    this.#sent = sent;
  }

  /** The path is new, or perhaps another one. `ceilingBytes`: what its interface can send. */
  begin(ceilingBytes: number, headerBytes: number, now: Micros): void {
    this.#fallBack();
    this.#ceilingBytes = Math.min(ceilingBytes, DATAGRAM_MAX_BYTES);
    this.#headerBytes = headerBytes;
    this.#startProbes = START_PROBES;
    this.#search(this.#ceilingBytes + 1, now);
  }

  /** The path answers, for the first time or again: a probe that was sent into its silence says nothing. */
  onRise(): void {
    this.#packetNumber = 0;
  }

  /** When `poll` of a path that is up has something to say. */
  dueAt(isMetered: boolean): Micros {
    if (this.#packetNumber > 0) return Number.POSITIVE_INFINITY as Micros;
    if (this.#probeBytes > 0) return Number.NEGATIVE_INFINITY as Micros;
    if (this.confirmedBytes >= this.#ceilingBytes) return Number.POSITIVE_INFINITY as Micros;
    return (this.#settledAt + (isMetered ? RAISE_METERED_US : this.#raiseUs)) as Micros;
  }

  /** Size of the probe that has to leave on a path that is up; 0 if none. */
  poll(isMetered: boolean, now: Micros): number {
    if (this.dueAt(isMetered) > now) return 0;
    if (this.#probeBytes === 0) {
      this.#raiseUs = Math.min(RAISE_US, this.#raiseUs * 2);
      this.#lostProbesMax = 1;
      this.#search(this.#ceilingBytes + 1, now);
    }
    return this.#probeBytes;
  }

  /** Size of the probe that goes along with a ping of a path that does not answer yet; 0 if none. */
  pollStart(): number {
    const isPingBehind = this.#packetNumber > 0 && this.#packetNumber === this.#sent.next - 1;
    if (this.#startProbes === 0 || isPingBehind) return 0;
    this.#startProbes--;
    return this.#probeBytes;
  }

  /** The probe has left. `waitUs`: how long later packets may overtake it, 0 on a path that keeps order. */
  onSent(packetNumber: number, waitUs: number, now: Micros): void {
    this.#packetNumber = packetNumber;
    this.#overtakenAt = now + waitUs;
  }

  onAck(ack: AckFrame, now: Micros): void {
    if (this.#packetNumber === 0 || ack.largest < this.#packetNumber) return;
    if (ack.acknowledges(this.#packetNumber)) this.#onConfirmed(now);
    else if (now >= this.#overtakenAt) this.#onLost(now);
  }

  /** Falls back to the base when only large datagrams vanish (RFC 8899 §4.3). Those in flight go to the sink as lost. Returns whether it did. */
  judge(sink: SentSink, roundTripUs: number, now: Micros): boolean {
    if (!this.#sent.sizes.isBlackHole(roundTripUs)) return false;
    const suspectBytes = this.confirmedBytes;
    this.#abandonLarge(sink);
    if (suspectBytes <= MTU_BASE_BYTES) return false;
    this.#fallBack();
    this.#search(suspectBytes + 1, now);
    // One more proof, in case it was chance: then the size is back in a round trip.
    this.#probeBytes = suspectBytes;
    this.#lostProbes = PROBES_MAX - 1;
    return true;
  }

  /** Our own interface refuses datagrams of this size (EMSGSIZE). What was in them goes to the sink as lost. */
  onRefused(bytes: number, sink: SentSink, now: Micros): void {
    if (bytes <= MTU_BASE_BYTES) return;
    if (bytes <= this.confirmedBytes) {
      this.#fallBack();
      this.#abandonLarge(sink);
    } else if (bytes !== this.#probeBytes) return;
    this.#packetNumber = 0;
    this.#search(bytes, now);
  }

  #abandonLarge(sink: SentSink): void {
    this.#sent.loseInFlight(sink, MTU_BASE_BYTES + this.#headerBytes);
    this.#sent.sizes.reset();
  }

  #fallBack(): void {
    this.confirmedBytes = MTU_BASE_BYTES;
    this.#packetNumber = 0;
    this.#lostProbesMax = PROBES_MAX;
    this.#raiseUs = RAISE_FIRST_US;
  }

  #onConfirmed(now: Micros): void {
    this.confirmedBytes = this.#probeBytes;
    this.#packetNumber = 0;
    this.#search(this.#tooLargeBytes, now);
  }

  #onLost(now: Micros): void {
    this.#packetNumber = 0;
    if (++this.#lostProbes < this.#lostProbesMax) return;
    this.#search(this.#probeBytes, now);
  }

  /** Takes up the next size between what passes and what does not, or ends the search. */
  #search(tooLargeBytes: number, now: Micros): void {
    this.#tooLargeBytes = tooLargeBytes;
    this.#settledAt = now;
    this.#probeBytes = this.#commonBytes();
    this.#lostProbes = 0;
    if (this.#probeBytes > 0) return;
    this.#probeBytes = this.#middleBytes();
    // The last bytes are not worth a second try.
    this.#lostProbes = this.#lostProbesMax - 1;
  }

  /** The ceiling, or a size that many links have; 0 if none is open. */
  #commonBytes(): number {
    const passes = this.confirmedBytes;
    if (passes >= this.#ceilingBytes) return 0;
    if (this.#tooLargeBytes > this.#ceilingBytes) return this.#ceilingBytes;
    const sizes = COMMON_MTUS.map((mtu) => mtu - this.#headerBytes);
    const open = sizes.filter((size) => size > passes && size < this.#tooLargeBytes);
    return open[open.length >> 1] ?? 0;
  }

  #middleBytes(): number {
    const passes = this.confirmedBytes;
    const isDone = passes >= this.#ceilingBytes || this.#tooLargeBytes - passes <= GRAIN_BYTES;
    return isDone ? 0 : (passes + this.#tooLargeBytes) >> 1;
  }
}

import type { AckFrame } from "../wire/frames.ts";

/** An ack whose fate is not known after so many more is given up, its carrier may be dead: they are three round trips at the least. */
const PATIENCE_ACKS = 256;

/**
 * How much of what our acks of one path tell is known to have reached the peer, and need not be told again (RFC 9000 §13.2.4). One ack at a time is followed: the datagram that carries it has a
 * packet number of its own, and is acknowledged with others of its path.
 */
export class AckReceipt {
  /** Of every packet number up to here the peer knows whether it has arrived. */
  knownTo = 0;
  /** The ack that is followed: its largest packet number, and path and number of its datagram. 0 = none is. */
  #toldTo = 0;
  #carrier = 0;
  #packetNumber = 0;
  #acksSince = 0;

  /** An ack that tells all from `knownTo` to `largest` leaves in this datagram. */
  onSent(largest: number, carrier: number, packetNumber: number): void {
    if (this.#packetNumber > 0 && ++this.#acksSince < PATIENCE_ACKS) return;
    this.#toldTo = largest;
    this.#carrier = carrier;
    this.#packetNumber = packetNumber;
    this.#acksSince = 0;
  }

  /** A packet has arrived that may have been told missing. */
  onLate(packetNumber: number): void {
    if (packetNumber <= this.#toldTo) this.#packetNumber = 0;
    if (packetNumber <= this.knownTo) this.knownTo = packetNumber - 1;
  }

  /** The peer acknowledges packets of some path. */
  onAck(ack: AckFrame): void {
    if (this.#packetNumber === 0 || ack.path !== this.#carrier || ack.largest < this.#packetNumber) return;
    if (ack.acknowledges(this.#packetNumber)) this.knownTo = this.#toldTo;
    this.#packetNumber = 0;
  }
}

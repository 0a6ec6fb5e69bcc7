import type { Endpoint } from "./endpoint.ts";
import { ackBytes, INITIAL_BYTES, packetNumberOf, QuicAck, writeAck, writeInitial } from "./quic-wire.ts";

/** Chromium acknowledges every second of the first packets, then every tenth, or after a quarter of the round trip (`quic_received_packet_manager.cc`). */
const EAGER_PACKETS = 100;
const EAGER_EVERY = 2;
const EVERY = 10;
const DELAY_SHARE = 1 / 4;
const DELAY_MAX_US = 25_000;
const RANGES_MAX = 8;

/** The browser's end of a QUIC download, with the acks of chromium. */
export class QuicReceiver {
  ackAt = Number.POSITIVE_INFINITY;
  receivedPackets = 0;
  /** A packet that came was not the one behind the highest. */
  outOfOrderPackets = 0;
  ackPackets = 0;
  /** What the browser knows of the round trip. */
  minRttUs = 100_000;
  readonly #endpoint: Endpoint;
  readonly #port: number;
  readonly #ack = new QuicAck();
  #largestAt = 0;
  #unacked = 0;
  readonly #writeAck = (view: DataView, offset: number): void =>
    writeAck(view, offset, this.#port, this.ackPackets, this.#ack);

  constructor(endpoint: Endpoint, port: number) {
    this.#endpoint = endpoint;
    this.#port = port;
  }

  /** The first packet of the connection. */
  open(now: number): void {
    this.#endpoint.sendInner(INITIAL_BYTES, now, (view, offset) => writeInitial(view, offset, this.#port, true));
  }

  receive(view: DataView, offset: number, now: number): void {
    const number = packetNumberOf(view, offset);
    this.receivedPackets++;
    const isNext = number === this.#ack.largest + 1;
    if (!isNext) this.outOfOrderPackets++;
    if (number > this.#ack.largest) {
      this.#ack.largest = number;
      this.#largestAt = now;
    }
    this.#note(number);
    this.#unacked++;
    const every = this.receivedPackets <= EAGER_PACKETS ? EAGER_EVERY : EVERY;
    if (!isNext || this.#unacked >= every) this.sendAck(now);
    else if (this.#unacked === 1) this.ackAt = now + Math.min(DELAY_MAX_US, this.minRttUs * DELAY_SHARE);
  }

  sendAck(now: number): void {
    this.#unacked = 0;
    this.ackAt = Number.POSITIVE_INFINITY;
    this.ackPackets++;
    this.#ack.delayUs = now - this.#largestAt;
    this.#endpoint.sendInner(ackBytes(this.#ack.ranges.length), now, this.#writeAck);
  }

  /** Keeps the newest ranges. */
  #note(number: number): void {
    const { ranges } = this.#ack;
    let i = 0;
    while (i < ranges.length && ranges[i]!.first > number + 1) i++;
    const range = ranges[i];
    if (range !== undefined && number >= range.first - 1 && number <= range.last + 1) {
      range.first = Math.min(range.first, number);
      range.last = Math.max(range.last, number);
      const older = ranges[i + 1];
      if (older !== undefined && older.last >= range.first - 1) {
        range.first = Math.min(range.first, older.first);
        ranges.splice(i + 1, 1);
      }
    } else {
      ranges.splice(i, 0, { first: number, last: number });
      if (ranges.length > RANGES_MAX) ranges.pop();
    }
  }
}

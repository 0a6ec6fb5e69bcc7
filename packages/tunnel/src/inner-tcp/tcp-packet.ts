import { DOUBLE_ZERO } from "../types.ts";
import { adjustChecksum } from "../wire/checksum.ts";
import { foldAddresses } from "../wire/flow-hash.ts";

/** Offsets of the TCP header. RFC 9293 §3.1. */
const TCP_HEADER = {
  SOURCE: 0,
  DESTINATION: 2,
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  LENGTH: 20,
} as const;
const FLAG_FIN = 0x01;
const FLAG_SYN = 0x02;
const FLAG_RST = 0x04;
const FLAG_ACK = 0x10;
/** Options of a SYN. RFC 9293 §3.2, RFC 7323 §2.2, RFC 2018 §2; RFC 2385 and RFC 5925 sign the window, RFC 8684 §3.3.1 shares it among subflows. */
const OPTION = { END: 0, NOP: 1, WINDOW_SCALE: 3, SACK_PERMITTED: 4, MD5: 19, AO: 29, MPTCP: 30 } as const;
/** Two NOPs and the timestamps option, as nearly all hosts lay it out. RFC 7323 §3.2, appendix A. */
const TIMESTAMPS = 0x0101080a;
/** RFC 7323 §2.3. */
export const WINDOW_SCALE_MAX = 14;
const V4_FRAGMENT_BITS = 0x3fff;
const V4_TCP_MIN_BYTES = 40;
const TCP = 6;
/** Whatever is longer in a packet without payload carries SACK blocks or other news. */
const TIMESTAMPS_HEADER_BYTES = 32;

/** The TCP header of an inner packet, decoded. One instance is reused. IPv4 and IPv6 without extension headers. */
export class TcpPacket {
  /** Ports and addresses in the direction of the packet, folded into 32 bits, and the same seen from the other side. */
  flow = 0;
  reverseFlow = 0;
  sequence = DOUBLE_ZERO;
  acknowledgement = DOUBLE_ZERO;
  /** In units of the flow's window scale. */
  window = 0;
  isSyn = false;
  /** Carries an acknowledgement and a scaled window: neither SYN nor RST. */
  hasWindow = false;
  payloadBytes = 0;
  /** Timestamp and echo; 0 without. */
  hasTimestamps = false;
  timestamp = DOUBLE_ZERO;
  echo = DOUBLE_ZERO;
  /** Acknowledges and does nothing else: no payload, SYN, FIN, RST, URG, ECN echo or SACK block. */
  isPlainAck = false;
  /** Sequence number after this packet. */
  endSequence = DOUBLE_ZERO;
  /** Options of a SYN, once `readSynOptions` has found them; -1: no window scale. */
  windowScale = -1;
  /** Permits SACK, and wants nothing by which the window would be more than the window of this connection. */
  isPlainSyn = false;
  #tcpOffset = 0;
  #headerBytes = 0;

  /** Returns false for anything but whole TCP packets. */
  read(view: DataView, offset: number, length: number): boolean {
    if (length < V4_TCP_MIN_BYTES) return false;
    const isV4 = view.getUint8(offset) >>> 4 === 4;
    const ipBytes = isV4 ? (view.getUint8(offset) & 15) * 4 : 40;
    if (view.getUint8(offset + (isV4 ? 9 : 6)) !== TCP || ipBytes + TCP_HEADER.LENGTH > length) return false;
    if (isV4 && (view.getUint16(offset + 6) & V4_FRAGMENT_BITS) !== 0) return false;
    const tcp = offset + ipBytes;
    const headerBytes = (view.getUint8(tcp + TCP_HEADER.DATA_OFFSET) >>> 4) * 4;
    const flags = view.getUint8(tcp + TCP_HEADER.FLAGS);
    const addresses = foldAddresses(view, offset, isV4);
    const source = view.getUint16(tcp + TCP_HEADER.SOURCE);
    const destination = view.getUint16(tcp + TCP_HEADER.DESTINATION);
    this.flow = (addresses ^ ((source << 16) | destination)) | 0;
    this.reverseFlow = (addresses ^ ((destination << 16) | source)) | 0;
    this.sequence = view.getUint32(tcp + TCP_HEADER.SEQUENCE);
    this.acknowledgement = view.getUint32(tcp + TCP_HEADER.ACKNOWLEDGEMENT);
    this.window = view.getUint16(tcp + TCP_HEADER.WINDOW);
    this.isSyn = (flags & FLAG_SYN) !== 0;
    this.hasWindow = (flags & (FLAG_ACK | FLAG_SYN | FLAG_RST)) === FLAG_ACK;
    this.#tcpOffset = tcp;
    this.#headerBytes = headerBytes;
    this.payloadBytes = length - ipBytes - headerBytes;
    this.isPlainAck = this.payloadBytes === 0 && flags === FLAG_ACK && headerBytes <= TIMESTAMPS_HEADER_BYTES;
    const controlBytes = (flags & (FLAG_SYN | FLAG_FIN)) === 0 ? 0 : 1;
    this.endSequence = (this.sequence + this.payloadBytes + controlBytes) >>> 0;
    this.#readTimestamps(view, tcp + TCP_HEADER.LENGTH);
    return this.payloadBytes >= 0;
  }

  #readTimestamps(view: DataView, at: number): void {
    this.hasTimestamps =
      this.payloadBytes >= 0 && this.#headerBytes >= TIMESTAMPS_HEADER_BYTES && view.getUint32(at) === TIMESTAMPS;
    this.timestamp = this.hasTimestamps ? view.getUint32(at + 4) : 0;
    this.echo = this.hasTimestamps ? view.getUint32(at + 8) : 0;
  }

  /** Finds what the SYN that was read offers. */
  readSynOptions(view: DataView): void {
    this.windowScale = -1;
    this.isPlainSyn = false;
    let isPlain = true;
    let permitsSack = false;
    const end = this.#tcpOffset + this.#headerBytes;
    let at = this.#tcpOffset + TCP_HEADER.LENGTH;
    while (at < end) {
      const kind = view.getUint8(at);
      if (kind === OPTION.END) break;
      if (kind === OPTION.NOP) {
        at++;
        continue;
      }
      const bytes = at + 1 < end ? view.getUint8(at + 1) : 0;
      if (bytes < 2 || at + bytes > end) return;
      if (kind === OPTION.WINDOW_SCALE && bytes === 3)
        this.windowScale = Math.min(WINDOW_SCALE_MAX, view.getUint8(at + 2));
      if (kind === OPTION.SACK_PERMITTED) permitsSack = true;
      if (kind === OPTION.MD5 || kind === OPTION.AO || kind === OPTION.MPTCP) isPlain = false;
      at += bytes;
    }
    this.isPlainSyn = isPlain && permitsSack;
  }

  /** Changes the window of the packet that was read. `isPartial`: its checksum covers the pseudo header only, which has no window. */
  writeWindow(view: DataView, window: number, isPartial: boolean): void {
    view.setUint16(this.#tcpOffset + TCP_HEADER.WINDOW, window);
    if (!isPartial) adjustChecksum(view, this.#tcpOffset + TCP_HEADER.CHECKSUM, this.window, window);
  }
}

/** How far a sequence number, or a timestamp, is ahead of another one, across the end of 32 bits (RFC 9293 §3.4, RFC 7323 §5.2). */
export function distance(value: number, base: number): number {
  return (value - base) | 0;
}

import { DOUBLE_ZERO } from "../types.ts";
import { foldAddresses } from "../wire/flow-hash.ts";

/** Offsets of the TCP header. RFC 9293 §3.1. */
const TCP_HEADER = {
  SOURCE: 0,
  DESTINATION: 2,
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  LENGTH: 20,
} as const;
const FLAG_SYN = 0x02;
const FLAG_FIN = 0x01;
const FLAG_ACK = 0x10;
const V4_TCP_MIN_BYTES = 40;
const TCP = 6;
/** Header with timestamps; whatever is longer in a packet without payload carries SACK blocks or other news. */
const PLAIN_ACK_HEADER_BYTES = 32;

/** The TCP header of an inner packet, decoded. One instance is reused. IPv4 and IPv6 without extension headers. */
export class TcpPacket {
  /** Ports and addresses in the direction of the packet, folded into 32 bits, and the same seen from the other side. */
  flow = 0;
  reverseFlow = 0;
  sequence = DOUBLE_ZERO;
  acknowledgement = DOUBLE_ZERO;
  payloadBytes = 0;
  /** Acknowledges and does nothing else: no payload, SYN, FIN, RST, URG, ECN echo or SACK block. */
  isPlainAck = false;
  /** Sequence number after this packet. */
  endSequence = DOUBLE_ZERO;

  /** Returns false for anything but TCP. */
  read(view: DataView, offset: number, length: number): boolean {
    if (length < V4_TCP_MIN_BYTES) return false;
    const isV4 = view.getUint8(offset) >>> 4 === 4;
    const ipBytes = isV4 ? (view.getUint8(offset) & 15) * 4 : 40;
    if (view.getUint8(offset + (isV4 ? 9 : 6)) !== TCP || ipBytes + TCP_HEADER.LENGTH > length) return false;
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
    this.payloadBytes = length - ipBytes - headerBytes;
    this.isPlainAck = this.payloadBytes === 0 && flags === FLAG_ACK && headerBytes <= PLAIN_ACK_HEADER_BYTES;
    const controlBytes = (flags & (FLAG_SYN | FLAG_FIN)) === 0 ? 0 : 1;
    this.endSequence = (this.sequence + this.payloadBytes + controlBytes) >>> 0;
    return this.payloadBytes >= 0;
  }
}

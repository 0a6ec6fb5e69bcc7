import { foldAddresses } from "../wire/flow-hash.ts";
import { isUdp } from "../wire/inner-packet.ts";

/** Offsets in the UDP datagram (RFC 768), and of what a QUIC packet in it shows of itself (RFC 8999 §5.1, RFC 9000 §17). */
const UDP_HEADER = { SOURCE: 0, DESTINATION: 2 } as const;
const QUIC_HEADER = { FIRST_BYTE: 8, VERSION: 9, LENGTH: 13 } as const;
const FORM_BITS = 0xc0;
const LONG_FORM = 0xc0;
const SHORT_FORM = 0x40;
const VERSION_1 = 1;
/** RFC 9369. */
const VERSION_2 = 0x6b33_43cf;
const V6_HEADER_BYTES = 40;

/** What can be seen of a QUIC packet in an inner packet. One instance is reused. IPv4 and IPv6 without extension headers. */
export class QuicPacket {
  /** Ports and addresses in the direction of the packet, folded into 32 bits, and the same seen from the other side. */
  flow = 0;
  reverseFlow = 0;
  /** Belongs to a handshake, and so proves that the flow is QUIC. */
  isHandshake = false;
  /** Of an established connection, if the flow is QUIC. */
  isShort = false;

  /** Returns false for anything but UDP that is long enough. */
  read(view: DataView, offset: number, length: number): boolean {
    const isV4 = view.getUint8(offset) >>> 4 === 4;
    const udp = offset + (isV4 ? (view.getUint8(offset) & 15) * 4 : V6_HEADER_BYTES);
    if (udp + QUIC_HEADER.LENGTH > offset + length || !isUdp(view, offset)) return false;
    const addresses = foldAddresses(view, offset, isV4);
    const source = view.getUint16(udp + UDP_HEADER.SOURCE);
    const destination = view.getUint16(udp + UDP_HEADER.DESTINATION);
    this.flow = (addresses ^ ((source << 16) | destination)) | 0;
    this.reverseFlow = (addresses ^ ((destination << 16) | source)) | 0;
    const form = view.getUint8(udp + QUIC_HEADER.FIRST_BYTE) & FORM_BITS;
    this.isShort = form === SHORT_FORM;
    this.isHandshake = form === LONG_FORM && isKnown(view.getUint32(udp + QUIC_HEADER.VERSION));
    return true;
  }
}

function isKnown(version: number): boolean {
  return version === VERSION_1 || version === VERSION_2;
}

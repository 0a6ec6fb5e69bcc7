/** Where the headers of an inner TCP or UDP packet lie. Offsets are from the packet's first byte. RFC 791, 8200, 9293, 768. */

export const IPV4 = {
  VERSION_IHL: 0,
  TOTAL_LENGTH: 2,
  IDENTIFICATION: 4,
  FRAGMENT: 6,
  TTL_PROTOCOL: 8,
  PROTOCOL: 9,
  CHECKSUM: 10,
  ADDRESSES: 12,
  MIN_LENGTH: 20,
} as const;
export const IPV6 = { PAYLOAD_LENGTH: 4, NEXT_HEADER: 6, ADDRESSES: 8, LENGTH: 40 } as const;
export const TCP = {
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  CHECKSUM: 16,
  MIN_LENGTH: 20,
} as const;
export const UDP = { LENGTH: 4, CHECKSUM: 6, HEADER_LENGTH: 8 } as const;

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** Don't fragment; the rest of the fragment field is zero in a whole packet. */
export const IPV4_DF = 0x4000;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_CWR = 0x80;

/** Reused for every packet; valid after `parse` returned true, until the next call. */
export class PacketHeaders {
  ipv6 = false;
  protocol = 0;
  /** Start of the TCP or UDP header. */
  transport = 0;
  /** Start of the transport's payload. */
  payload = 0;

  /**
   * False for everything but a whole, unfragmented TCP or UDP packet of exactly `length` bytes. IPv6 extension headers that leave
   * the pseudo header alone (hop-by-hop, destination options) are stepped over.
   */
  parse(view: DataView, offset: number, length: number): boolean {
    if (length < IPV4.MIN_LENGTH) return false;
    const version = view.getUint8(offset) >>> 4;
    if (version === 4) return this.#parseIpv4(view, offset, length) && this.#parseTransport(view, offset, length);
    if (version === 6) return this.#parseIpv6(view, offset, length) && this.#parseTransport(view, offset, length);
    return false;
  }

  /** Where the transport's checksum lies, from the transport header's start. */
  get checksumOffset(): number {
    return this.protocol === PROTOCOL_TCP ? TCP.CHECKSUM : UDP.CHECKSUM;
  }

  #parseIpv4(view: DataView, offset: number, length: number): boolean {
    this.ipv6 = false;
    this.transport = (view.getUint8(offset) & 0xf) * 4;
    this.protocol = view.getUint8(offset + IPV4.PROTOCOL);
    return (
      this.transport >= IPV4.MIN_LENGTH &&
      view.getUint16(offset + IPV4.TOTAL_LENGTH) === length &&
      (view.getUint16(offset + IPV4.FRAGMENT) & ~IPV4_DF) === 0
    );
  }

  #parseIpv6(view: DataView, offset: number, length: number): boolean {
    this.ipv6 = true;
    if (length < IPV6.LENGTH || view.getUint16(offset + IPV6.PAYLOAD_LENGTH) + IPV6.LENGTH !== length) return false;
    let header = view.getUint8(offset + IPV6.NEXT_HEADER);
    let at: number = IPV6.LENGTH;
    while (header === HOP_BY_HOP || header === DESTINATION_OPTIONS) {
      if (at + 8 > length) return false;
      header = view.getUint8(offset + at);
      at += (view.getUint8(offset + at + 1) + 1) * 8;
    }
    this.protocol = header;
    this.transport = at;
    return true;
  }

  #parseTransport(view: DataView, offset: number, length: number): boolean {
    const transport = offset + this.transport;
    if (this.protocol === PROTOCOL_TCP) {
      if (this.transport + TCP.MIN_LENGTH > length) return false;
      const headerLength = (view.getUint8(transport + TCP.DATA_OFFSET) >>> 4) * 4;
      this.payload = this.transport + headerLength;
      return headerLength >= TCP.MIN_LENGTH && this.payload <= length;
    }
    this.payload = this.transport + UDP.HEADER_LENGTH;
    return (
      this.protocol === PROTOCOL_UDP &&
      this.payload <= length &&
      view.getUint16(transport + UDP.LENGTH) === length - this.transport
    );
  }
}

const HOP_BY_HOP = 0;
const DESTINATION_OPTIONS = 60;

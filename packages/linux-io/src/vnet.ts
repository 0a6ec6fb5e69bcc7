/** struct virtio_net_hdr, which stands before each packet of a TUN device with IFF_VNET_HDR. Virtio 1.2 §5.1.6. */

/** 0 flags u8 | 1 GSO type u8 | 2 header length u16 | 4 GSO size u16 | 6 checksum start u16 | 8 checksum offset u16; little-endian */
export const VNET_HEADER = {
  FLAGS: 0,
  GSO_TYPE: 1,
  HEADER_LENGTH: 2,
  GSO_SIZE: 4,
  CHECKSUM_START: 6,
  CHECKSUM_OFFSET: 8,
  LENGTH: 10,
} as const;

/** The transport checksum holds only the pseudo header's sum. */
export const VNET_NEEDS_CHECKSUM = 1;

export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
export const GSO_TCP6 = 4;
/** UDP datagrams of one size (UDP_SEGMENT), Linux 6.2. */
export const GSO_UDP_L4 = 5;
/** Or-ed to the type: the first segment carries CWR. */
export const GSO_ECN = 0x80;

/** Netlink messages and their attributes. RFC 3549; linux/netlink.h. Host byte order, everything aligned to 4 bytes. */

/** struct nlmsghdr: 0 length u32 | 4 type u16 | 6 flags u16 | 8 sequence u32 | 12 port u32 */
export const NLMSGHDR = { LENGTH: 0, TYPE: 4, FLAGS: 6, SEQUENCE: 8, SIZE: 16 } as const;
/** struct nlattr: 0 length u16 (with this header) | 2 type u16, of which 14 bits count */
const NLATTR = { LENGTH: 0, TYPE: 2, SIZE: 4 } as const;
const NLATTR_TYPE_MASK = 0x3fff;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_DUMP_INTERRUPTED = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** One message within a received buffer: its type, flags, and body without the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: DataView;
}

/** The messages of one datagram. A length that leads out of the buffer ends it. */
export function* messagesOf(buffer: ArrayBuffer, length: number): Generator<NetlinkMessage> {
  const view = new DataView(buffer, 0, length);
  let at = 0;
  while (at + NLMSGHDR.SIZE <= length) {
    const size = view.getUint32(at + NLMSGHDR.LENGTH, true);
    if (size < NLMSGHDR.SIZE || at + size > length) return;
    yield {
      type: view.getUint16(at + NLMSGHDR.TYPE, true),
      flags: view.getUint16(at + NLMSGHDR.FLAGS, true),
      body: new DataView(buffer, at + NLMSGHDR.SIZE, size - NLMSGHDR.SIZE),
    };
    at += align(size);
  }
}

/** The attributes from `offset` to the view's end, by type; of a type that comes twice, the last. */
export function attributesOf(view: DataView, offset: number): Map<number, DataView> {
  const attributes = new Map<number, DataView>();
  let at = offset;
  while (at + NLATTR.SIZE <= view.byteLength) {
    const size = view.getUint16(at + NLATTR.LENGTH, true);
    if (size < NLATTR.SIZE || at + size > view.byteLength) break;
    const type = view.getUint16(at + NLATTR.TYPE, true) & NLATTR_TYPE_MASK;
    attributes.set(type, new DataView(view.buffer, view.byteOffset + at + NLATTR.SIZE, size - NLATTR.SIZE));
    at += align(size);
  }
  return attributes;
}

/** The bytes of an attribute; empty if it is absent. */
export function bytesOf(attribute: DataView | undefined): Uint8Array {
  if (attribute === undefined) return new Uint8Array(0);
  return new Uint8Array(attribute.buffer, attribute.byteOffset, attribute.byteLength);
}

/** Text up to the terminating zero; empty if it is absent. */
export function textOf(attribute: DataView | undefined): string {
  const bytes = bytesOf(attribute);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A u32, or `absent`. */
export function u32Of(attribute: DataView | undefined, absent: number): number {
  return attribute !== undefined && attribute.byteLength >= 4 ? attribute.getUint32(0, true) : absent;
}

export function align(length: number): number {
  return (length + 3) & ~3;
}

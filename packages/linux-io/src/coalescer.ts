/**
 * Joins packets of one flow into few large writes to a TUN device: what the kernel's GRO does, by reference. Packets stay in the
 * caller's buffers; each batch is a list of struct iovec: the vnet header, the first packet, the payloads of the following ones.
 *
 * Life of a batch: a packet that can't be joined to the open batch of its flow starts one (and closes the older one, so that the flow's
 * order holds); `flush` writes all batches in the order in which they were started. A batch of one packet is written as it is.
 *
 * Joined packets come out of the kernel's segmentation with the bytes that went in. Two exceptions, both without meaning: the
 * identification of packets with DF (RFC 6864 §4.1), and the two encodings of a zero checksum. A packet whose whole checksum is
 * wrong is never joined, so that no checksum is repaired on the way.
 */

import { completeChecksum, foldSum, pseudoHeaderSum, sumBytes, verifyChecksum } from "./checksum.ts";
import { flowHash, isJoinable, sameHeaders } from "./flow-match.ts";
import { IOVEC } from "./libc.ts";
import { type ByteArena, reserveAligned, setAddress } from "./memory.ts";
import {
  IPV4,
  IPV4_DF,
  IPV6,
  PacketHeaders,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  UDP,
} from "./packet-headers.ts";
import type { Memory, Tun } from "./types.ts";
import { GSO_ECN, GSO_TCP4, GSO_TCP6, GSO_UDP_L4, VNET_HEADER, VNET_NEEDS_CHECKSUM } from "./vnet.ts";

export class Coalescer {
  readonly #memory: Memory;
  readonly #view: DataView;
  readonly #tun: Tun;
  readonly #batches: readonly Batch[];
  readonly #headers = new PacketHeaders();
  #batchCount = 0;
  #pending = 0;
  #refused = 0;

  /** Packets that `add` took and `flush` has not written yet; their buffers must stay as they are. */
  get pending(): number {
    return this.#pending;
  }

  /** Packets that the kernel did not take, since the start. */
  get refusedPackets(): number {
    return this.#refused;
  }

  /** `arena` must hand out offsets of `memory`, where the packets are, too; about 36 KiB are reserved for good. */
  constructor(memory: Memory, arena: ByteArena, tun: Tun) {
    this.#memory = memory;
    this.#view = memory.view;
    this.#tun = tun;
    this.#batches = Array.from(
      { length: MAX_BATCHES },
      () => new Batch(memory, reserveAligned(arena, BATCH_BYTES, 16)),
    );
  }

  /**
   * Takes the IP packet of `length` bytes at `offset`; with `checksumPartial`, its transport checksum is made by the kernel. Returns
   * false if there is no room before a `flush`. Headers of taken packets are changed.
   */
  add(offset: number, length: number, checksumPartial: boolean): boolean {
    if (this.#batchCount === MAX_BATCHES) return false;
    const headers = this.#headers;
    if (!headers.parse(this.#view, offset, length)) {
      if (mayBeFragment(headers.protocol)) this.#closeAll();
      this.#start(offset, length, false, 0);
      return true;
    }
    const hash = flowHash(this.#view, offset, headers);
    const joinable = this.#canSegment() && isJoinable(this.#view, offset, length, headers);
    const batch = this.#openBatch(hash);
    if (batch !== undefined) {
      if (joinable && this.#continues(batch, offset, length, checksumPartial)) {
        this.#append(batch, offset, length);
        return true;
      }
      batch.open = false;
    }
    const started = this.#start(offset, length, checksumPartial, hash);
    if (joinable) this.#describeFlow(started, offset, length);
    return true;
  }

  /** Writes all that was added. Returns the number of packets that the kernel took; their buffers are free, as are those of the others. */
  flush(): number {
    let taken = 0;
    for (let i = 0; i < this.#batchCount; i++) {
      const batch = this.#batches[i]!;
      if (this.#write(batch) >= 0) taken += batch.packets;
      else this.#refused += batch.packets;
    }
    this.#batchCount = 0;
    this.#pending = 0;
    return taken;
  }

  #canSegment(): boolean {
    const { tso4, tso6, uso } = this.#tun.offloads;
    if (this.#headers.protocol === PROTOCOL_UDP) return uso;
    return this.#headers.ipv6 ? tso6 : tso4;
  }

  /** The batch that a flow's next packet may join: only the newest of a flow is ever open. */
  #openBatch(hash: number): Batch | undefined {
    for (let i = this.#batchCount - 1; i >= 0; i--) {
      const batch = this.#batches[i]!;
      if (batch.hash === hash && batch.open) return batch;
    }
    return undefined;
  }

  #closeAll(): void {
    for (let i = 0; i < this.#batchCount; i++) this.#batches[i]!.open = false;
  }

  #start(offset: number, length: number, checksumPartial: boolean, hash: number): Batch {
    const batch = this.#batches[this.#batchCount++]!;
    batch.begin(this.#memory.address, offset, length, checksumPartial);
    batch.hash = hash;
    this.#pending++;
    if (!checksumPartial) return batch;
    if (this.#tun.offloads.vnetHeader) this.#markPartial(batch, this.#headers, length);
    else completeChecksum(this.#memory, offset, length);
    return batch;
  }

  #describeFlow(batch: Batch, offset: number, length: number): void {
    const headers = this.#headers;
    const flags = this.#pushFlags(offset);
    batch.open = flags === 0;
    batch.segmentSize = length - headers.payload;
    batch.lastFlags = flags;
    if (headers.protocol === PROTOCOL_TCP) {
      batch.nextSequence = this.#view.getUint32(offset + headers.transport + TCP.SEQUENCE) + batch.segmentSize;
    }
    if (!headers.ipv6) batch.nextIdentification = this.#view.getUint16(offset + IPV4.IDENTIFICATION) + 1;
  }

  /** Cheap tests first; the checksums, where the sender's kernel made them, last. */
  #continues(batch: Batch, offset: number, length: number, checksumPartial: boolean): boolean {
    const headers = this.#headers;
    const view = this.#view;
    const size = length - headers.payload;
    if (size > batch.segmentSize || batch.packets === MAX_SEGMENTS || batch.totalLength + size > MAX_PACKET_BYTES)
      return false;
    if (headers.protocol === PROTOCOL_TCP) {
      if (view.getUint32(offset + headers.transport + TCP.SEQUENCE) !== batch.nextSequence >>> 0) return false;
    }
    if (!headers.ipv6 && (view.getUint16(offset + IPV4.FRAGMENT) & IPV4_DF) === 0) {
      if (view.getUint16(offset + IPV4.IDENTIFICATION) !== (batch.nextIdentification & 0xffff)) return false;
    }
    if (!sameHeaders(view, batch.first, offset, headers)) return false;
    if (!checksumPartial && !verifyChecksum(view, offset, length, headers)) return false;
    return batch.checksumTrusted || this.#verifyFirst(batch);
  }

  /** The first packet has headers of the same lengths, so that `#headers` serves for both. */
  #verifyFirst(batch: Batch): boolean {
    batch.checksumTrusted = verifyChecksum(this.#view, batch.first, batch.firstLength, this.#headers);
    return batch.checksumTrusted;
  }

  #append(batch: Batch, offset: number, length: number): void {
    const size = length - this.#headers.payload;
    const flags = this.#pushFlags(offset);
    batch.push(this.#memory.address + offset + this.#headers.payload, size);
    batch.totalLength += size;
    batch.nextSequence += size;
    batch.nextIdentification++;
    batch.packets++;
    batch.lastFlags = flags;
    batch.open = flags === 0 && size === batch.segmentSize;
    this.#pending++;
  }

  /** FIN and PSH, which end a batch. */
  #pushFlags(offset: number): number {
    if (this.#headers.protocol !== PROTOCOL_TCP) return 0;
    return this.#view.getUint8(offset + this.#headers.transport + TCP.FLAGS) & (TCP_FIN | TCP_PSH);
  }

  #write(batch: Batch): number {
    if (!this.#tun.offloads.vnetHeader) return this.#tun.write(batch.first, batch.firstLength);
    if (batch.packets > 1) this.#makeSuperPacket(batch);
    return this.#tun.writev(batch.iovecs, batch.iovecCount);
  }

  /** Turns the first packet's headers into those of the whole, and the vnet header into the recipe for cutting it. */
  #makeSuperPacket(batch: Batch): void {
    const headers = this.#headers;
    const view = this.#view;
    const { first, vnetHeader, totalLength } = batch;
    headers.parse(view, first, batch.firstLength);
    const transport = first + headers.transport;
    const tcp = headers.protocol === PROTOCOL_TCP;
    let gsoType = tcp ? (headers.ipv6 ? GSO_TCP6 : GSO_TCP4) : GSO_UDP_L4;
    if (tcp) {
      const flags = view.getUint8(transport + TCP.FLAGS) | batch.lastFlags;
      view.setUint8(transport + TCP.FLAGS, flags);
      if (flags & TCP_CWR) gsoType |= GSO_ECN;
    } else {
      view.setUint16(transport + UDP.LENGTH, totalLength - headers.transport);
    }
    this.#setNetworkLength(first, totalLength);
    this.#markPartial(batch, headers, totalLength);
    view.setUint8(vnetHeader + VNET_HEADER.GSO_TYPE, gsoType);
    view.setUint16(vnetHeader + VNET_HEADER.HEADER_LENGTH, headers.payload, true);
    view.setUint16(vnetHeader + VNET_HEADER.GSO_SIZE, batch.segmentSize, true);
  }

  #setNetworkLength(packet: number, length: number): void {
    const view = this.#view;
    if (this.#headers.ipv6) {
      view.setUint16(packet + IPV6.PAYLOAD_LENGTH, length - IPV6.LENGTH);
      return;
    }
    view.setUint16(packet + IPV4.TOTAL_LENGTH, length);
    view.setUint16(packet + IPV4.CHECKSUM, 0);
    view.setUint16(packet + IPV4.CHECKSUM, ~foldSum(sumBytes(view, packet, IPV4.MIN_LENGTH)) & 0xffff);
  }

  /** Leaves the checksum to the kernel. `length` is that of the packet as written. */
  #markPartial(batch: Batch, headers: PacketHeaders, length: number): void {
    const view = this.#view;
    const field = batch.first + headers.transport + headers.checksumOffset;
    view.setUint16(field, pseudoHeaderSum(view, batch.first, headers, length - headers.transport));
    view.setUint8(batch.vnetHeader + VNET_HEADER.FLAGS, VNET_NEEDS_CHECKSUM);
    view.setUint16(batch.vnetHeader + VNET_HEADER.CHECKSUM_START, headers.transport, true);
    view.setUint16(batch.vnetHeader + VNET_HEADER.CHECKSUM_OFFSET, headers.checksumOffset, true);
  }
}

/** One write in the making. The objects are made once and reused. */
class Batch {
  readonly vnetHeader: number;
  readonly iovecs: number;
  readonly #view: DataView;
  hash = 0;
  open = false;
  /** The first packet's checksum is partial, or was found right. */
  checksumTrusted = false;
  first = 0;
  firstLength = 0;
  segmentSize = 0;
  totalLength = 0;
  packets = 0;
  nextSequence = 0;
  nextIdentification = 0;
  lastFlags = 0;
  iovecCount = 0;

  constructor(memory: Memory, offset: number) {
    this.#view = memory.view;
    this.vnetHeader = offset;
    this.iovecs = offset + IOVEC.SIZE;
    this.push(memory.address + offset, VNET_HEADER.LENGTH);
  }

  /** Starts over with one packet, which nothing may join yet. */
  begin(memoryAddress: number, offset: number, length: number, checksumPartial: boolean): void {
    this.open = false;
    this.checksumTrusted = checksumPartial;
    this.first = offset;
    this.firstLength = length;
    this.totalLength = length;
    this.packets = 1;
    this.iovecCount = 1;
    this.push(memoryAddress + offset, length);
    for (let i = 0; i < VNET_HEADER.LENGTH; i += 2) this.#view.setUint16(this.vnetHeader + i, 0);
  }

  push(address: number, length: number): void {
    const iovec = this.iovecs + this.iovecCount++ * IOVEC.SIZE;
    setAddress(this.#view, iovec + IOVEC.BASE, address);
    this.#view.setUint32(iovec + IOVEC.LENGTH, length, true);
  }
}

/** Fragments of TCP and UDP packets have no ports to tell their flow, so nothing may overtake them. */
function mayBeFragment(protocol: number): boolean {
  return protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_IPV6_FRAGMENT;
}

const PROTOCOL_IPV6_FRAGMENT = 44;

/** Flows that a batch of received datagrams mixes. More only cost a write each. */
const MAX_BATCHES = 32;
/** UDP_MAX_SEGMENTS of the kernels that have the fewest; 64 full segments exceed 64 KiB anyway. */
const MAX_SEGMENTS = 64;
const MAX_PACKET_BYTES = 65_535;
/** The vnet header in 16 bytes, then the iovecs of header and segments. */
const BATCH_BYTES = (2 + MAX_SEGMENTS) * IOVEC.SIZE;

/**
 * Cuts what a TUN device with offloads gives in one read, a packet of up to 64 KiB behind a virtio_net_hdr, into packets of the
 * size that its sender meant: what the kernel's tcp_gso_segment and __udp_gso_segment do, with the transport checksum left partial.
 *
 * Stages: `begin` reads the header and prepares the sums that all segments share; each `next` copies headers and payload once
 * and patches lengths, identification, sequence, flags and checksums.
 */

import { finishChecksum, foldSum, sumBytes } from "./checksum.ts";
import { IPV4, IPV6, PacketHeaders, TCP, TCP_CWR, TCP_FIN, TCP_PSH, UDP } from "./packet-headers.ts";
import type { Memory } from "./types.ts";
import { GSO_ECN, GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP_L4, VNET_HEADER, VNET_NEEDS_CHECKSUM } from "./vnet.ts";

export class Segmenter {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #headers = new PacketHeaders();

  /** Whether the segments' transport checksum covers the pseudo header only, and the receiver can tell where it lies. */
  checksumPartial = false;

  /** The packet within the read. */
  #packet = 0;
  #length = 0;
  #ipv6 = false;
  #tcp = false;
  /** From the packet's start. */
  #transport = 0;
  #headerLength = 0;
  #segmentSize = 0;
  #payloadLength = 0;
  /** Payload bytes already given, and the number of their segments. */
  #given = 0;
  #index = 0;
  /** Must the whole checksum be computed here? */
  #finish = false;
  /** Sum of the IPv4 header without total length, identification and checksum. */
  #ipSum = 0;
  #identification = 0;
  #sequence = 0;
  #tcpFlags = 0;
  /** Pseudo header's sum without the transport length. */
  #pseudoSum = 0;

  /** Where the segments' packets are written, too. */
  constructor(memory: Memory) {
    this.#view = memory.view;
    this.#bytes = memory.bytes;
  }

  /**
   * Takes the result of one `Tun.read` with a vnet header. Returns the number of packets in it: 1 for a plain packet, 0 for a
   * malformed one. The read must stay in place until the last `next`.
   */
  begin(offset: number, lengthBytes: number): number {
    this.#packet = offset + VNET_HEADER.LENGTH;
    this.#length = lengthBytes - VNET_HEADER.LENGTH;
    if (this.#length < IPV4.MIN_LENGTH) return 0;
    this.#given = 0;
    this.#index = 0;
    const needsChecksum = (this.#view.getUint8(offset + VNET_HEADER.FLAGS) & VNET_NEEDS_CHECKSUM) !== 0;
    const gsoType = this.#view.getUint8(offset + VNET_HEADER.GSO_TYPE) & ~GSO_ECN;
    this.#transport = this.#view.getUint16(offset + VNET_HEADER.CHECKSUM_START, true);
    const checksumOffset = this.#view.getUint16(offset + VNET_HEADER.CHECKSUM_OFFSET, true);
    if (needsChecksum && this.#transport + checksumOffset + 2 > this.#length) return 0;
    this.checksumPartial = needsChecksum && this.#isDerivable(checksumOffset);
    this.#finish = needsChecksum && !this.checksumPartial;
    if (gsoType === GSO_NONE) return this.#beginPlain(checksumOffset);
    if (!needsChecksum || !this.#readShape(gsoType, checksumOffset)) return 0;
    this.#segmentSize = this.#view.getUint16(offset + VNET_HEADER.GSO_SIZE, true);
    if (this.#segmentSize === 0) return 0;
    this.#prepareSums(checksumOffset);
    return Math.max(1, Math.ceil(this.#payloadLength / this.#segmentSize));
  }

  /** Writes the next packet at `outOffset`, which must not overlap the read. Returns its length, or 0 when all were given. */
  next(outOffset: number): number {
    if (this.#segmentSize === 0) return this.#nextPlain(outOffset);
    if (this.#given >= this.#payloadLength && this.#index > 0) return 0;
    const size = Math.min(this.#segmentSize, this.#payloadLength - this.#given);
    const payload = this.#packet + this.#headerLength + this.#given;
    this.#bytes.copyWithin(outOffset, this.#packet, this.#packet + this.#headerLength);
    this.#bytes.copyWithin(outOffset + this.#headerLength, payload, payload + size);
    this.#patchIp(outOffset, this.#headerLength + size);
    this.#patchTransport(outOffset + this.#transport, size);
    this.#given += size;
    this.#index++;
    return this.#headerLength + size;
  }

  /** A receiver finds TCP's and UDP's checksum by itself; that of anything else must be whole. */
  #isDerivable(checksumOffset: number): boolean {
    const headers = this.#headers;
    return (
      headers.parse(this.#view, this.#packet, this.#length) &&
      headers.transport === this.#transport &&
      headers.checksumOffset === checksumOffset
    );
  }

  #beginPlain(checksumOffset: number): number {
    this.#segmentSize = 0;
    if (this.#finish) {
      const start = this.#packet + this.#transport;
      finishChecksum(this.#view, start, this.#length - this.#transport, checksumOffset);
    }
    return 1;
  }

  #nextPlain(outOffset: number): number {
    if (this.#index > 0) return 0;
    this.#index = 1;
    this.#bytes.copyWithin(outOffset, this.#packet, this.#packet + this.#length);
    return this.#length;
  }

  /** Reads the lengths of the headers. Returns false where they contradict each other. */
  #readShape(gsoType: number, checksumOffset: number): boolean {
    const version = this.#view.getUint8(this.#packet) >>> 4;
    this.#ipv6 = version === 6;
    this.#tcp = gsoType === GSO_TCP4 || gsoType === GSO_TCP6;
    if (!this.#tcp && gsoType !== GSO_UDP_L4) return false;
    if (version !== 4 && version !== 6) return false;
    if (this.#tcp && this.#ipv6 !== (gsoType === GSO_TCP6)) return false;
    if (checksumOffset !== (this.#tcp ? TCP.CHECKSUM : UDP.CHECKSUM)) return false;
    if (this.#transport < (this.#ipv6 ? IPV6.LENGTH : IPV4.MIN_LENGTH)) return false;
    const transport = this.#packet + this.#transport;
    const transportHeader = this.#tcp
      ? (this.#view.getUint8(transport + TCP.DATA_OFFSET) >>> 4) * 4
      : UDP.HEADER_LENGTH;
    if (this.#tcp && transportHeader < TCP.MIN_LENGTH) return false;
    this.#headerLength = this.#transport + transportHeader;
    this.#payloadLength = this.#length - this.#headerLength;
    return this.#payloadLength >= 0;
  }

  #prepareSums(checksumOffset: number): void {
    const view = this.#view;
    const packet = this.#packet;
    const transport = packet + this.#transport;
    const transportLength = this.#length - this.#transport;
    this.#pseudoSum = foldSum(view.getUint16(transport + checksumOffset) + (~transportLength & 0xffff));
    if (this.#tcp) {
      this.#sequence = view.getUint32(transport + TCP.SEQUENCE);
      this.#tcpFlags = view.getUint8(transport + TCP.FLAGS);
    }
    if (this.#ipv6) return;
    this.#identification = view.getUint16(packet + IPV4.IDENTIFICATION);
    view.setUint16(packet + IPV4.TOTAL_LENGTH, 0);
    view.setUint16(packet + IPV4.IDENTIFICATION, 0);
    view.setUint16(packet + IPV4.CHECKSUM, 0);
    this.#ipSum = sumBytes(view, packet, (view.getUint8(packet) & 0xf) * 4);
  }

  #patchIp(out: number, length: number): void {
    const view = this.#view;
    if (this.#ipv6) {
      view.setUint16(out + IPV6.PAYLOAD_LENGTH, length - IPV6.LENGTH);
      return;
    }
    const identification = (this.#identification + this.#index) & 0xffff;
    view.setUint16(out + IPV4.TOTAL_LENGTH, length);
    view.setUint16(out + IPV4.IDENTIFICATION, identification);
    view.setUint16(out + IPV4.CHECKSUM, ~foldSum(this.#ipSum + length + identification) & 0xffff);
  }

  #patchTransport(transport: number, size: number): void {
    const view = this.#view;
    const transportLength = this.#headerLength - this.#transport + size;
    if (this.#tcp) {
      const first = this.#index === 0;
      const last = this.#given + size >= this.#payloadLength;
      const absent = (first ? 0 : TCP_CWR) | (last ? 0 : TCP_FIN | TCP_PSH);
      view.setUint32(transport + TCP.SEQUENCE, this.#sequence + this.#given);
      view.setUint8(transport + TCP.FLAGS, this.#tcpFlags & ~absent);
    } else {
      view.setUint16(transport + UDP.LENGTH, transportLength);
    }
    const checksumOffset = this.#tcp ? TCP.CHECKSUM : UDP.CHECKSUM;
    view.setUint16(transport + checksumOffset, foldSum(this.#pseudoSum + transportLength));
    if (this.#finish) finishChecksum(view, transport, transportLength, checksumOffset);
  }
}

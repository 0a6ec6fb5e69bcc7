/** The receiving half of a UDP socket: one recvmmsg(2) fills up to {@link GRO_SHAPE} buffers and their address records. */

import { ADDRESS_RECORD, AF_INET, PKTINFO4, PKTINFO6, SOCKADDR_IN_LENGTH, SOCKADDR_IN6_LENGTH } from "./address.ts";
import { CMSG, ERRNO, IOVEC, lastErrno, MMSGHDR, MSGHDR, recvmmsg } from "./libc.ts";
import { allocateMemory, type ByteArena, reserveAligned, setAddress } from "./memory.ts";
import { ReceiveClock, timespecUs } from "./receive-clock.ts";
import { isProgramFault, systemError } from "./system-error.ts";
import type { Memory } from "./types.ts";
import {
  IP_PKTINFO,
  IPV6_PKTINFO,
  SO_TIMESTAMPNS,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from "./udp-socket.ts";

export class UdpReceiver {
  readonly fd: number;
  readonly gro: boolean;
  readonly #view: DataView;
  readonly #shape: { readonly messages: number; readonly bytes: number };
  readonly #data: number;
  readonly #records: number;
  /** mmsghdr array, then iovecs, then control buffers. */
  readonly #control;
  readonly #segments: Int32Array;
  readonly #agesUs: Float64Array;
  readonly #clock = new ReceiveClock();
  #filled: number;

  constructor(memory: Memory, arena: ByteArena, fd: number, gro: boolean) {
    this.fd = fd;
    this.gro = gro;
    this.#view = memory.view;
    this.#shape = gro ? GRO_SHAPE : PLAIN_SHAPE;
    const { messages, bytes } = this.#shape;
    this.#data = reserveAligned(arena, messages * bytes, 64);
    this.#records = reserveAligned(arena, messages * ADDRESS_RECORD.LENGTH, 64);
    this.#control = allocateMemory(messages * PER_MESSAGE_BYTES);
    this.#segments = new Int32Array(messages);
    this.#agesUs = new Float64Array(messages);
    this.#linkBuffers(memory.address);
    this.#filled = messages;
  }

  get messagesMax(): number {
    return this.#shape.messages;
  }

  receive(): number {
    this.#rearm();
    const count = recvmmsg(this.fd, this.#control.address, this.#shape.messages, MSG_DONTWAIT, 0);
    if (count < 0) return this.#failed(lastErrno());
    this.#filled = count;
    this.#clock.read();
    for (let i = 0; i < count; i++) this.#readControl(i);
    return count;
  }

  messageOffset(index: number): number {
    return this.#data + index * this.#shape.bytes;
  }

  messageLength(index: number): number {
    return this.#control.view.getUint32(index * MMSGHDR.SIZE + MMSGHDR.LENGTH, true);
  }

  messageSegment(index: number): number {
    return this.#segments[index]!;
  }

  messageAgeUs(index: number): number {
    return this.#agesUs[index]!;
  }

  messageAddress(index: number): number {
    return this.#records + index * ADDRESS_RECORD.LENGTH;
  }

  #linkBuffers(memoryAddress: number): void {
    const { view, address } = this.#control;
    const { messages, bytes } = this.#shape;
    const iovecs = messages * MMSGHDR.SIZE;
    const controls = iovecs + messages * IOVEC.SIZE;
    for (let i = 0; i < messages; i++) {
      const header = i * MMSGHDR.SIZE;
      const iovec = iovecs + i * IOVEC.SIZE;
      setAddress(view, iovec + IOVEC.BASE, memoryAddress + this.messageOffset(i));
      setAddress(view, iovec + IOVEC.LENGTH, bytes);
      setAddress(view, header + MSGHDR.NAME, memoryAddress + this.messageAddress(i));
      setAddress(view, header + MSGHDR.IOV, address + iovec);
      setAddress(view, header + MSGHDR.IOV_COUNT, 1);
      setAddress(view, header + MSGHDR.CONTROL, address + controls + i * CONTROL_BYTES);
    }
  }

  /** Gives back to the kernel what the last call shortened: lengths are in and out. */
  #rearm(): void {
    const { view } = this.#control;
    for (let i = 0; i < this.#filled; i++) {
      const header = i * MMSGHDR.SIZE;
      view.setUint32(header + MSGHDR.NAME_LENGTH, SOCKADDR_IN6_LENGTH, true);
      view.setUint32(header + MSGHDR.CONTROL_LENGTH, CONTROL_BYTES, true);
    }
    this.#filled = 0;
  }

  /** Completes the address record of message `index` and learns its segment size and its age. */
  #readControl(index: number): void {
    const { view } = this.#control;
    const header = index * MMSGHDR.SIZE;
    const record = this.messageAddress(index);
    const ipv4 = this.#view.getUint16(record, true) === AF_INET;
    const sockaddrLength = ipv4 ? SOCKADDR_IN_LENGTH : SOCKADDR_IN6_LENGTH;
    this.#view.setUint32(record + ADDRESS_RECORD.SOCKADDR_LENGTH, sockaddrLength, true);
    let segment = this.messageLength(index);
    let ageUs = 0;
    const start = this.#shape.messages * (MMSGHDR.SIZE + IOVEC.SIZE) + index * CONTROL_BYTES;
    const end = start + view.getUint32(header + MSGHDR.CONTROL_LENGTH, true);
    let at = start;
    while (at + CMSG.DATA <= end) {
      const length = view.getUint32(at + CMSG.LENGTH, true);
      if (length < CMSG.DATA) break;
      const level = view.getInt32(at + CMSG.LEVEL, true);
      const type = view.getInt32(at + CMSG.TYPE, true);
      if (level === SOL_UDP && type === UDP_GRO) segment = view.getInt32(at + CMSG.DATA, true);
      else if (level === SOL_IP && type === IP_PKTINFO) this.#storeLocal4(record, at + CMSG.DATA);
      else if (level === SOL_IPV6 && type === IPV6_PKTINFO) this.#storeLocal6(record, at + CMSG.DATA);
      else if (level === SOL_SOCKET && type === SO_TIMESTAMPNS) {
        ageUs = this.#clock.ageUs(timespecUs(view, at + CMSG.DATA));
      }
      at += (length + 7) & ~7;
    }
    this.#segments[index] = segment;
    this.#agesUs[index] = ageUs;
  }

  /** The local address of the record is the header's destination, without the interface. */
  #storeLocal4(record: number, info: number): void {
    const destination = this.#control.view.getUint32(info + PKTINFO4.DESTINATION, true);
    this.#view.setUint32(record + ADDRESS_RECORD.LOCAL_FAMILY, 4, true);
    this.#view.setUint32(record + ADDRESS_RECORD.LOCAL + PKTINFO4.LOCAL, destination, true);
  }

  #storeLocal6(record: number, info: number): void {
    this.#view.setUint32(record + ADDRESS_RECORD.LOCAL_FAMILY, 6, true);
    for (let i = 0; i < 16; i += 4) {
      const word = this.#control.view.getUint32(info + PKTINFO6.ADDRESS + i, true);
      this.#view.setUint32(record + ADDRESS_RECORD.LOCAL + i, word, true);
    }
  }

  /** Errors of earlier datagrams (ICMP) and of the link surface here; they are not of this call. */
  #failed(errno: number): number {
    if (isProgramFault(errno)) throw systemError("recvmmsg on a UDP socket", errno);
    if (errno === ERRNO.ENOMEM) throw systemError("recvmmsg on a UDP socket", errno);
    return 0;
  }
}

/** Messages per system call and buffer of each: a GRO run is at most 64 KiB; without GRO a datagram is at most a jumbo frame. */
const GRO_SHAPE = { messages: 16, bytes: 65_536 } as const;
const PLAIN_SHAPE = { messages: 32, bytes: 16_384 } as const;

/** Room for UDP_GRO, IP_PKTINFO, IPV6_PKTINFO and SO_TIMESTAMPNS together. */
const CONTROL_BYTES = 128;
const PER_MESSAGE_BYTES = MMSGHDR.SIZE + IOVEC.SIZE + CONTROL_BYTES;
const MSG_DONTWAIT = 0x40;

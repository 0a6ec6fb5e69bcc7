/**
 * UDP sockets with segmentation offload: one system call sends a run of equal datagrams (UDP_SEGMENT), and one receives
 * many runs (recvmmsg with UDP_GRO). Datagrams never fragment and the kernel keeps no path MTU of its own
 * (IP_PMTUDISC_PROBE): the tunnel probes for it.
 */

import { ADDRESS_RECORD } from "./address.ts";
import { CMSG, close, cmsgSpace, ERRNO, IOVEC, lastErrno, MSGHDR, sendmsg } from "./libc.ts";
import { allocateMemory, type ByteArena, setAddress } from "./memory.ts";
import { isProgramFault, systemError } from "./system-error.ts";
import { type Memory, type Udp, type UdpOptions, WOULD_BLOCK } from "./types.ts";
import { UdpReceiver } from "./udp-receive.ts";
import {
  enableReceiveOffload,
  IP_PKTINFO,
  IPV6_PKTINFO,
  openSocket,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  supportsSegmentation,
  UDP_SEGMENT,
} from "./udp-socket.ts";

/**
 * Opens and binds a socket. Its receive buffers are reserved from `arena`, which must hand out offsets of `memory`; they are
 * not given back by `close`.
 * @throws SystemError where address, port or device can't be had.
 */
export function openUdp(memory: Memory, arena: ByteArena, options: UdpOptions): Udp {
  const { fd, port } = openSocket(options);
  const offload = options.offload ?? true;
  const gro = offload && enableReceiveOffload(fd);
  const gso = offload && supportsSegmentation(fd);
  if (offload && !gro) options.onNotice?.("this kernel lacks UDP_GRO (Linux 5.0); datagrams are received one by one");
  if (offload && !gso) options.onNotice?.("this kernel lacks UDP_SEGMENT (Linux 4.18); datagrams are sent one by one");
  return new UdpSocket(memory, arena, { fd, port, gso, gro, onNotice: options.onNotice });
}

interface OpenSocket {
  readonly fd: number;
  readonly port: number;
  readonly gso: boolean;
  readonly gro: boolean;
  readonly onNotice: ((text: string) => void) | undefined;
}

class UdpSocket extends UdpReceiver implements Udp {
  readonly port: number;
  readonly #memory: Memory;
  readonly #onNotice: ((text: string) => void) | undefined;
  #gso: boolean;
  /** msghdr, iovec and control messages of `send`. */
  readonly #message = allocateMemory(SEND.SIZE);

  constructor(memory: Memory, arena: ByteArena, socket: OpenSocket) {
    super(memory, arena, socket.fd, socket.gro);
    this.#memory = memory;
    this.#gso = socket.gso;
    this.#onNotice = socket.onNotice;
    this.port = socket.port;
    const { view, address } = this.#message;
    setAddress(view, SEND.MSGHDR + MSGHDR.IOV, address + SEND.IOVEC);
    setAddress(view, SEND.MSGHDR + MSGHDR.IOV_COUNT, 1);
    setAddress(view, SEND.MSGHDR + MSGHDR.CONTROL, address + SEND.CONTROL);
  }

  get gso(): boolean {
    return this.#gso;
  }

  send(offset: number, lengthBytes: number, segmentBytes: number, addressOffset: number): number {
    const localSpace = this.#prepareAddress(addressOffset);
    if (lengthBytes <= segmentBytes) return this.#sendOne(offset, lengthBytes, localSpace);
    if (!this.#gso) return this.#sendSingly(offset, lengthBytes, segmentBytes, localSpace);
    const runBytes = Math.max(1, Math.min(MAX_SEGMENTS, Math.trunc(MAX_RUN_BYTES / segmentBytes))) * segmentBytes;
    let sent = 0;
    while (sent < lengthBytes) {
      const result = this.#sendRun(offset + sent, Math.min(runBytes, lengthBytes - sent), segmentBytes, localSpace);
      if (result < 0) return sent > 0 ? sent : result;
      sent += result;
    }
    return sent;
  }

  close(): void {
    close(this.fd);
  }

  /** Points the message to the remote address and copies the local one. Returns the length of the control messages so far. */
  #prepareAddress(addressOffset: number): number {
    const { view, address } = this.#memory;
    const message = this.#message.view;
    setAddress(message, SEND.MSGHDR + MSGHDR.NAME, address + addressOffset);
    const nameLength = view.getUint32(addressOffset + ADDRESS_RECORD.SOCKADDR_LENGTH, true);
    message.setUint32(SEND.MSGHDR + MSGHDR.NAME_LENGTH, nameLength, true);
    const family = view.getUint32(addressOffset + ADDRESS_RECORD.LOCAL_FAMILY, true);
    if (family === 0) return 0;
    const ipv4 = family === 4;
    const dataLength = ipv4 ? 12 : 20;
    setCmsg(message, SEND.CONTROL, ipv4 ? SOL_IP : SOL_IPV6, ipv4 ? IP_PKTINFO : IPV6_PKTINFO, dataLength);
    for (let i = 0; i < dataLength; i += 4) {
      const word = view.getUint32(addressOffset + ADDRESS_RECORD.LOCAL + i, true);
      message.setUint32(SEND.CONTROL + CMSG.DATA + i, word, true);
    }
    return cmsgSpace(dataLength);
  }

  #sendOne(offset: number, lengthBytes: number, controlBytes: number): number {
    const result = this.#call(offset, lengthBytes, controlBytes);
    return result >= 0 ? result : this.#failed(-result);
  }

  /** One sendmsg(2) with UDP_SEGMENT, or without where that turns out not to work on this route. */
  #sendRun(offset: number, lengthBytes: number, segmentBytes: number, localSpace: number): number {
    if (lengthBytes <= segmentBytes) return this.#sendOne(offset, lengthBytes, localSpace);
    const control = SEND.CONTROL + localSpace;
    setCmsg(this.#message.view, control, SOL_UDP, UDP_SEGMENT, 2);
    this.#message.view.setUint16(control + CMSG.DATA, segmentBytes, true);
    const result = this.#call(offset, lengthBytes, localSpace + cmsgSpace(2));
    if (result >= 0) return result;
    if (!isSegmentationFault(-result)) return this.#failed(-result);
    const sent = this.#sendSingly(offset, lengthBytes, segmentBytes, localSpace);
    if (sent > 0) this.#disableSegmentation();
    return sent;
  }

  #sendSingly(offset: number, lengthBytes: number, segmentBytes: number, localSpace: number): number {
    let sent = 0;
    while (sent < lengthBytes) {
      const result = this.#sendOne(offset + sent, Math.min(segmentBytes, lengthBytes - sent), localSpace);
      if (result < 0) return sent > 0 ? sent : result;
      sent += result;
    }
    return sent;
  }

  #disableSegmentation(): void {
    this.#gso = false;
    this.#onNotice?.("the interface refuses UDP segmentation; datagrams are sent one by one");
  }

  /** Returns bytes sent or `-errno`. */
  #call(offset: number, lengthBytes: number, controlBytes: number): number {
    const { view, address } = this.#message;
    setAddress(view, SEND.IOVEC + IOVEC.BASE, this.#memory.address + offset);
    view.setUint32(SEND.IOVEC + IOVEC.LENGTH, lengthBytes, true);
    view.setUint32(SEND.MSGHDR + MSGHDR.CONTROL_LENGTH, controlBytes, true);
    const sent = sendmsg(this.fd, address + SEND.MSGHDR, 0);
    return sent >= 0 ? sent : -lastErrno();
  }

  #failed(errno: number): number {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return WOULD_BLOCK;
    if (errno === ERRNO.EPERM) return -ERRNO.EACCES;
    if (isProgramFault(errno)) throw systemError(`send on UDP port ${this.port}`, errno);
    return -errno;
  }
}

function setCmsg(view: DataView, offset: number, level: number, type: number, dataLength: number): void {
  view.setUint32(offset + CMSG.LENGTH, CMSG.DATA + dataLength, true);
  view.setInt32(offset + CMSG.LEVEL, level, true);
  view.setInt32(offset + CMSG.TYPE, type, true);
}

/** Errors by which a device or route without checksum offload refuses a run of datagrams that it would take one by one. */
function isSegmentationFault(errno: number): boolean {
  return errno === ERRNO.EIO || errno === ERRNO.EINVAL || errno === ERRNO.EMSGSIZE;
}

const SEND = { MSGHDR: 0, IOVEC: 64, CONTROL: 128, SIZE: 256 } as const;

/** UDP_MAX_SEGMENTS of the kernels that have the fewest. */
const MAX_SEGMENTS = 64;
/** Largest UDP payload over IPv4. */
const MAX_RUN_BYTES = 65_507;

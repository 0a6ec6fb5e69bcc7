/**
 * TUN and TAP devices. With offloads, one read brings up to 64 KiB of one flow behind a virtio_net_hdr, and one write may
 * give as much (see segmenter.ts and coalescer.ts). Linux Documentation/networking/tuntap.rst.
 */

import { close, ERRNO, ioctl, lastErrno, O_CLOEXEC, O_NONBLOCK, O_RDWR, open, read, write, writev } from "./libc.ts";
import { allocateMemory } from "./memory.ts";
import { type Advice, systemError } from "./system-error.ts";
import { type Memory, type Tun, type TunOffloads, type TunOptions, WOULD_BLOCK } from "./types.ts";
import { VNET_HEADER } from "./vnet.ts";

/**
 * Opens the device, creating it where it does not exist.
 * @throws SystemError where the kernel has no TUN, permission is missing or another process holds the device.
 */
export function openTun(memory: Memory, options: TunOptions): Tun {
  assertName(options.name);
  const fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw systemError(`open ${DEVICE}`, lastErrno(), OPEN_ADVICE);
  try {
    const request = attach(fd, options);
    return new TunDevice(memory, fd, request.name, negotiateOffloads(fd, request.vnetHeader, options));
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Deletes a persistent device that no process holds. Does nothing where it does not exist. */
export function removeTun(name: string): void {
  assertName(name);
  const fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw systemError(`open ${DEVICE}`, lastErrno(), OPEN_ADVICE);
  try {
    let errno = setInterface(fd, name, IFF_TUN | IFF_NO_PI);
    if (errno === ERRNO.EINVAL) errno = setInterface(fd, name, IFF_TAP | IFF_NO_PI);
    if (errno !== 0) throw systemError(`TUNSETIFF ${name}`, errno, ATTACH_ADVICE);
    if (ioctl(fd, TUNSETPERSIST, 0) < 0) throw systemError(`TUNSETPERSIST ${name}`, lastErrno());
  } finally {
    close(fd);
  }
}

class TunDevice implements Tun {
  readonly fd: number;
  readonly name: string;
  readonly offloads: TunOffloads;
  readonly #memory: Memory;

  constructor(memory: Memory, fd: number, name: string, offloads: TunOffloads) {
    this.#memory = memory;
    this.fd = fd;
    this.name = name;
    this.offloads = offloads;
  }

  read(offset: number, capacityBytes: number): number {
    const count = read(this.fd, this.#memory.address + offset, capacityBytes);
    return count >= 0 ? count : this.#failedRead(lastErrno());
  }

  write(offset: number, lengthBytes: number): number {
    const count = write(this.fd, this.#memory.address + offset, lengthBytes);
    return count >= 0 ? count : this.#failedWrite(lastErrno());
  }

  writev(iovecOffset: number, count: number): number {
    const written = writev(this.fd, this.#memory.address + iovecOffset, count);
    return written >= 0 ? written : this.#failedWrite(lastErrno());
  }

  setPersistent(persistent: boolean): void {
    if (ioctl(this.fd, TUNSETPERSIST, persistent ? 1 : 0) < 0) {
      throw systemError(`TUNSETPERSIST ${this.name}`, lastErrno());
    }
  }

  close(): void {
    close(this.fd);
  }

  #failedRead(errno: number): number {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return WOULD_BLOCK;
    throw systemError(`read from ${this.name}`, errno);
  }

  /** A packet that the kernel refuses (malformed, device down) is the peer's or the operator's doing, not an exception. */
  #failedWrite(errno: number): number {
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return WOULD_BLOCK;
    if (errno === ERRNO.EBADF || errno === ERRNO.EBADFD || errno === ERRNO.EFAULT) {
      throw systemError(`write to ${this.name}`, errno);
    }
    return -errno;
  }
}

function attach(fd: number, options: TunOptions): { name: string; vnetHeader: boolean } {
  const mode = (options.mode === "tap" ? IFF_TAP : IFF_TUN) | IFF_NO_PI;
  if (options.offload) {
    const errno = setInterface(fd, options.name, mode | IFF_VNET_HDR);
    if (errno === 0) return { name: interfaceName(), vnetHeader: true };
    if (errno !== ERRNO.EINVAL) throw systemError(`TUNSETIFF ${options.name}`, errno, ATTACH_ADVICE);
  }
  const errno = setInterface(fd, options.name, mode);
  if (errno !== 0) throw systemError(`TUNSETIFF ${options.name}`, errno, ATTACH_ADVICE);
  return { name: interfaceName(), vnetHeader: false };
}

/** Asks for less and less until the kernel agrees, and tells once what is missing. */
function negotiateOffloads(fd: number, vnetHeader: boolean, options: TunOptions): TunOffloads {
  if (!vnetHeader || !setVnetHeaderSize(fd)) {
    ioctl(fd, TUNSETOFFLOAD, 0);
    if (options.offload)
      options.onNotice?.(`${options.name}: this kernel has no TUN offloads; packets pass one by one`);
    return { vnetHeader: false, tso4: false, tso6: false, uso: false };
  }
  const steps = OFFLOAD_STEPS.filter((step) => options.segmentation !== "none" || step.flags <= TUN_F_CSUM).filter(
    (step) => options.segmentation !== "tcp" || !step.uso,
  );
  for (const step of steps) {
    if (ioctl(fd, TUNSETOFFLOAD, step.flags) < 0) continue;
    if (step !== steps[0]) options.onNotice?.(`${options.name}: this kernel lacks ${step.missing}`);
    return { vnetHeader: true, tso4: step.tso, tso6: step.tso, uso: step.uso };
  }
  throw systemError(`TUNSETOFFLOAD ${options.name}`, lastErrno());
}

/** Returns 0 or errno. */
function setInterface(fd: number, name: string, flags: number): number {
  request.bytes.fill(0);
  request.bytes.set(Buffer.from(name, "latin1"), IFREQ.NAME);
  request.view.setUint16(IFREQ.FLAGS, flags, true);
  return ioctl(fd, TUNSETIFF, request.address) < 0 ? lastErrno() : 0;
}

function interfaceName(): string {
  const end = request.bytes.indexOf(0);
  return Buffer.from(request.bytes.subarray(0, end)).toString("latin1");
}

function setVnetHeaderSize(fd: number): boolean {
  request.view.setInt32(0, VNET_HEADER.LENGTH, true);
  return ioctl(fd, TUNSETVNETHDRSZ, request.address) === 0;
}

function assertName(name: string): void {
  if (!/^[^\s/:]{1,15}$/.test(name)) {
    throw new TypeError(`"${name}" is no interface name: use 1 to 15 characters without blanks, "/" and ":"`);
  }
}

const DEVICE = "/dev/net/tun";

/** From linux/if_tun.h. */
const IFF_TUN = 0x1;
const IFF_TAP = 0x2;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

/** struct ifreq: 0 name, 16 bytes | 16 flags u16 */
const IFREQ = { NAME: 0, FLAGS: 16, SIZE: 40 } as const;
const request = allocateMemory(IFREQ.SIZE);

const TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
/** From the most to the least that a kernel may grant. */
const OFFLOAD_STEPS = [
  { flags: TSO | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6, tso: true, uso: true, missing: "" },
  { flags: TSO | TUN_F_TSO_ECN, tso: true, uso: false, missing: "UDP segmentation on TUN (Linux 6.2)" },
  { flags: TSO, tso: true, uso: false, missing: "UDP segmentation and TCP segmentation with ECN on TUN" },
  { flags: TUN_F_CSUM, tso: false, uso: false, missing: "segmentation on TUN" },
  { flags: 0, tso: false, uso: false, missing: "segmentation and checksum offload on TUN" },
] as const;

const OPEN_ADVICE: Advice = {
  ENOENT:
    "The TUN driver is missing: run `modprobe tun`, or in a container pass the device (--device /dev/net/tun), or create it with `mkdir -p /dev/net && mknod /dev/net/tun c 10 200`.",
  ENODEV: "The TUN driver is missing: run `modprobe tun`.",
};
const ATTACH_ADVICE: Advice = {
  EBUSY: "Another process holds this device: stop it, or choose another `tunnel.interface`.",
  EINVAL: "An interface of this name and of another kind exists: remove it, or choose another `tunnel.interface`.",
};

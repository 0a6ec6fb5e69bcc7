/** Opening a UDP socket and its options. */

import { AF_INET, AF_INET6, SOCKADDR_IN6_LENGTH, writeSockaddr } from "./address.ts";
import { bind, close, getsockname, getsockopt, lastErrno, O_CLOEXEC, O_NONBLOCK, setsockopt, socket } from "./libc.ts";
import { allocateMemory } from "./memory.ts";
import { type Advice, systemError } from "./system-error.ts";
import type { UdpOptions } from "./types.ts";

/** Opens and binds; port 0 lets the kernel choose. */
export function openSocket(options: UdpOptions): { readonly fd: number; readonly port: number } {
  const ipv6 = options.address.includes(":");
  const fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) throw systemError("socket for UDP", lastErrno());
  try {
    setOptions(fd, ipv6, options);
    return { fd, port: bindSocket(fd, options) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Whether the kernel joins received datagrams. */
export function enableReceiveOffload(fd: number): boolean {
  return setOption(fd, SOL_UDP, UDP_GRO, 1) === 0;
}

/** Whether the kernel cuts datagrams. */
export function supportsSegmentation(fd: number): boolean {
  scratch.view.setUint32(OPTION_LENGTH, 4, true);
  return getsockopt(fd, SOL_UDP, UDP_SEGMENT, scratch.address, scratch.address + OPTION_LENGTH) === 0;
}

function setOptions(fd: number, ipv6: boolean, options: UdpOptions): void {
  if (ipv6) {
    require(fd, SOL_IPV6, IPV6_V6ONLY, options.dualStack ? 0 : 1, "IPV6_V6ONLY");
    require(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    require(fd, SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE, "IPV6_MTU_DISCOVER");
  }
  if (!ipv6) require(fd, SOL_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  if (!ipv6 || options.dualStack) require(fd, SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE, "IP_MTU_DISCOVER");
  require(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
  setBuffers(fd, options.bufferBytes ?? DEFAULT_BUFFER_BYTES);
  if (options.device !== undefined) bindToDevice(fd, options.device);
}

/** Beyond the sysctl's limit where we may, up to it elsewhere. */
function setBuffers(fd: number, bytes: number): void {
  if (setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes) !== 0) setOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  if (setOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes) !== 0) setOption(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

function bindToDevice(fd: number, device: string): void {
  const name = Buffer.from(`${device}\0`, "latin1");
  scratch.bytes.set(name.subarray(0, 16));
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, scratch.address, Math.min(name.length, 16)) < 0) {
    throw systemError(`SO_BINDTODEVICE ${device}`, lastErrno());
  }
}

/** Returns the port. */
function bindSocket(fd: number, options: UdpOptions): number {
  scratch.bytes.fill(0);
  const length = writeSockaddr(scratch.view, options.address, options.port);
  if (bind(fd, scratch.address, length) < 0) {
    throw systemError(`bind UDP ${options.address} port ${options.port}`, lastErrno(), BIND_ADVICE(options.port));
  }
  scratch.view.setUint32(OPTION_LENGTH, SOCKADDR_IN6_LENGTH, true);
  if (getsockname(fd, scratch.address, scratch.address + OPTION_LENGTH) < 0) {
    throw systemError("getsockname", lastErrno());
  }
  return scratch.view.getUint16(2);
}

function require(fd: number, level: number, name: number, value: number, what: string): void {
  const errno = setOption(fd, level, name, value);
  if (errno !== 0) throw systemError(`setsockopt ${what}`, errno);
}

/** Returns 0 or errno. */
function setOption(fd: number, level: number, name: number, value: number): number {
  scratch.view.setInt32(0, value, true);
  return setsockopt(fd, level, name, scratch.address, 4) < 0 ? lastErrno() : 0;
}

const BIND_ADVICE = (port: number): Advice => ({
  EADDRINUSE: `UDP port ${port} is taken by another process: stop it (\`ss -ulpn\` shows it), or choose another port.`,
  EACCES: `UDP port ${port} is privileged: run as root, or choose a port above 1023.`,
});

/** From linux/in.h, in6.h, udp.h, asm-generic/socket.h. */
export const SOL_SOCKET = 1;
export const SOL_IP = 0;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
export const IP_PKTINFO = 8;
export const IPV6_PKTINFO = 50;
/** The same number names the option and its control message. */
export const SO_TIMESTAMPNS = 35;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
/** Sets DF, ignores what the kernel believes of the path's MTU. */
const PMTUDISC_PROBE = 3;
const SOCK_DGRAM = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

/** 50 ms at 1 Gbit/s and then some: a loop that is late must not lose datagrams. */
const DEFAULT_BUFFER_BYTES = 8 << 20;

const OPTION_LENGTH = 64;
const scratch = allocateMemory(128);

/**
 * Linux through FFI: TUN, UDP, netlink, poll, AEAD. The only package that uses koffi. It knows devices, sockets and packet
 * headers as the kernel wants them, and nothing of the tunnel's protocol. Everything is synchronous and non-blocking except
 * `Poller.wait`; each thread opens its own objects.
 */

export { decodeAddress, encodeAddress, formatAddress } from "./address.ts";
export { type CipherName, createAead } from "./aead.ts";
export { completeChecksum } from "./checksum.ts";
export { monotonicUs, setTimerSlack } from "./clock.ts";
export { Coalescer } from "./coalescer.ts";
export { CryptoLibraryError } from "./crypto-library.ts";
export { arenaOf, type ByteArena, memoryOf } from "./memory.ts";
export { openRouteSocket } from "./netlink/route-socket.ts";
export { createEventFd, createPoller, wakeEventFd } from "./poller.ts";
export { type SchedulingClass, setSchedulingClass } from "./scheduling.ts";
export { Segmenter } from "./segmenter.ts";
export { SystemError } from "./system-error.ts";
export { openTun, removeTun } from "./tun.ts";
export {
  type AddressInfo,
  type EventFd,
  type LinkInfo,
  type Memory,
  type Poller,
  type RouteEvent,
  type RouteInfo,
  type RouteSocket,
  type Tun,
  type TunOffloads,
  type TunOptions,
  type Udp,
  type UdpOptions,
  WOULD_BLOCK,
} from "./types.ts";
export { openUdp } from "./udp.ts";
export { VNET_HEADER } from "./vnet.ts";

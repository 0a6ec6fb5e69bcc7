/**
 * Public shapes of linux-io: the only package that calls the C library. Buffers are never passed as objects on the data
 * path; the caller registers one ArrayBuffer ({@link Memory}) and passes byte offsets into it, which become addresses by
 * one addition.
 */

/** An ArrayBuffer whose address in memory is known. It must outlive every call that names an offset in it. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Address of byte 0. */
  readonly address: number;
}

/** Result of a non-blocking read or write that could not proceed. Not an error. */
export const WOULD_BLOCK = -1;

export interface TunOptions {
  readonly name: string;
  /** `tap` carries Ethernet frames; the lab's emulated links use it. */
  readonly mode: "tun" | "tap";
  /** Ask for IFF_VNET_HDR and TSO/USO offloads; what the kernel refuses is left out and reported in `offloads`. */
  readonly offload: boolean;
  /** Which segmentation to ask for at most: TCP and UDP, TCP only, or none (checksums only). Default "all". */
  readonly segmentation?: "all" | "tcp" | "none";
  /** Told once, when opened, what the kernel lacks. */
  readonly onNotice?: (text: string) => void;
}

export interface TunOffloads {
  /** Every read and write starts with a 10-byte virtio_net_hdr. */
  readonly vnetHeader: boolean;
  readonly tso4: boolean;
  readonly tso6: boolean;
  /** UDP segmentation offload, Linux 6.2. */
  readonly uso: boolean;
}

export interface Tun {
  readonly fd: number;
  readonly name: string;
  readonly offloads: TunOffloads;
  /** Returns bytes read (with the vnet header, if any) or WOULD_BLOCK. */
  read(offset: number, capacityBytes: number): number;
  /** Returns bytes written, WOULD_BLOCK, or `-errno` where the kernel refuses this packet (EINVAL: malformed, EIO: the device is down). */
  write(offset: number, lengthBytes: number): number;
  /** writev(2) of `count` struct iovec at `iovecOffset`. Returns as `write`. */
  writev(iovecOffset: number, count: number): number;
  /** Keep the device when this process ends (TUNSETPERSIST). */
  setPersistent(persistent: boolean): void;
  close(): void;
}

export interface UdpOptions {
  /** Local address; "::" with `dualStack` serves both families. */
  readonly address: string;
  readonly port: number;
  readonly dualStack?: boolean;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  /** SO_RCVBUF/SO_SNDBUF(FORCE), bytes. */
  readonly bufferBytes?: number;
  /** Ask for UDP_SEGMENT and UDP_GRO. Default true. */
  readonly offload?: boolean;
  /** Told once what the kernel lacks. */
  readonly onNotice?: (text: string) => void;
}

/**
 * A UDP socket. Remote addresses travel as opaque records of 64 bytes (`ADDRESS_BYTES` of the tunnel package): sockaddr and the local address on which
 * the datagram came in, so that an answer leaves from there (IP_PKTINFO).
 */
export interface Udp {
  readonly fd: number;
  readonly port: number;
  /** UDP_SEGMENT and UDP_GRO as found on this kernel. */
  readonly gso: boolean;
  readonly gro: boolean;
  /**
   * One recvmmsg(2). Returns the number of messages, or 0 if none waits. Message i then stands at `messageOffset(i)` with
   * `messageLength(i)` bytes, made of datagrams of `messageSegment(i)` bytes (the last may be shorter), from the address record at `messageAddress(i)`.
   */
  receive(): number;
  /** Messages that one `receive` brings at most; fewer mean that no more wait. */
  readonly messagesMax: number;
  messageOffset(index: number): number;
  messageLength(index: number): number;
  messageSegment(index: number): number;
  messageAddress(index: number): number;
  /** How long message i had waited in the kernel when `receive` returned, by the kernel's stamp of its first datagram; 0 where that is not known. */
  messageAgeUs(index: number): number;
  /**
   * One sendmsg(2) of `lengthBytes` at `offset`, cut by the kernel into datagrams of `segmentBytes` (by us where GSO is missing), to the
   * address record at `addressOffset`. Returns bytes sent (less than asked for when the socket's buffer fills up in between) or WOULD_BLOCK. What a radio, a
   * route or a packet filter causes (ENETUNREACH, EHOSTUNREACH, ENETDOWN, ENODEV, EMSGSIZE, ECONNREFUSED, EINVAL for a vanished source address, ...) is
   * returned as `-errno`; EPERM, whose number is that of WOULD_BLOCK, as -EACCES.
   */
  send(offset: number, lengthBytes: number, segmentBytes: number, addressOffset: number): number;
  close(): void;
}

/** A set of file descriptors for poll(2). */
export interface Poller {
  /** Watches for input, and for room to write if `wantWrite`. Returns the descriptor's index. */
  add(fd: number, wantWrite?: boolean): number;
  remove(fd: number): void;
  /** Changes whether room to write at `index` ends the wait. */
  setWantWrite(index: number, wantWrite: boolean): void;
  /** Waits at most `timeoutUs` (rounded up to what the kernel gives; ppoll(2)), without end if negative. Returns the number of ready descriptors. */
  wait(timeoutUs: number): number;
  /** Whether the descriptor at the index that `add` returned has room to write; only if that was asked for. */
  writable(index: number): boolean;
  /** Whether the descriptor at the index that `add` returned is readable (or has an error to fetch). */
  readable(index: number): boolean;
}

/** eventfd(2): wakes a poller from another thread. Give `fd` to the other thread and `wakeEventFd(fd)` there. */
export interface EventFd {
  readonly fd: number;
  clear(): void;
  close(): void;
}

export type RouteEvent =
  | { readonly kind: "link"; readonly link: LinkInfo }
  | { readonly kind: "link-gone"; readonly ifindex: number; readonly name: string }
  | { readonly kind: "address"; readonly address: AddressInfo }
  | { readonly kind: "address-gone"; readonly address: AddressInfo }
  | { readonly kind: "route"; readonly route: RouteInfo }
  | { readonly kind: "route-gone"; readonly route: RouteInfo }
  /** ENOBUFS: events were lost; dump everything again. */
  | { readonly kind: "overrun" };

export interface LinkInfo {
  readonly ifindex: number;
  readonly name: string;
  /** ARPHRD_* of if_arp.h: 1 Ethernet, 512 PPP, 65534 none (TUN), 519 raw IP, 772 loopback. */
  readonly hardwareType: number;
  /** IFLA_INFO_KIND, e.g. "veth", "tun", "wireguard"; empty for hardware. */
  readonly driverKind: string;
  readonly mtuBytes: number;
  readonly up: boolean;
  readonly carrier: boolean;
  readonly hardwareAddress: string;
}

export interface AddressInfo {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  /** "global", "link", "host", "site" or the number. */
  readonly scope: string;
  /** Tentative, deprecated or failed duplicate address detection: not usable as a source. */
  readonly usable: boolean;
}

export interface RouteInfo {
  readonly family: 4 | 6;
  readonly table: number;
  /** Destination prefix, "0.0.0.0/0" for the default. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly ifindex: number;
  readonly metric: number;
  readonly protocol: number;
}

/** NETLINK_ROUTE. Non-blocking; put `fd` in a poller or call `poll` on a timer. */
export interface RouteSocket {
  readonly fd: number;
  links(): LinkInfo[];
  addresses(): AddressInfo[];
  /** Routes of all tables. */
  routes(): RouteInfo[];
  /** Calls `onEvent` for each event that waits. Returns how many. */
  drain(onEvent: (event: RouteEvent) => void): number;
  close(): void;
}

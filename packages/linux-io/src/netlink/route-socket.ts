/**
 * NETLINK_ROUTE: dumps and changes of links, addresses and routes of the network namespace in which the socket was opened.
 * Two kernel sockets, so that changes that come in the midst of a dump are neither lost nor mixed with it: open first, dump, then
 * drain, and nothing is missed.
 */

import { bind, close, ERRNO, lastErrno, O_CLOEXEC, O_NONBLOCK, recv, send, setsockopt, socket } from "../libc.ts";
import { allocateMemory } from "../memory.ts";
import { systemError } from "../system-error.ts";
import type { AddressInfo, LinkInfo, RouteEvent, RouteInfo, RouteSocket } from "../types.ts";
import { parseAddress } from "./address.ts";
import { parseLink } from "./link.ts";
import {
  messagesOf,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_DUMP_INTERRUPTED,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGHDR,
} from "./message.ts";
import { parseRoutes } from "./route.ts";

/** Needs no privilege. */
export function openRouteSocket(): RouteSocket {
  return new NetlinkRouteSocket();
}

class NetlinkRouteSocket implements RouteSocket {
  readonly fd: number;
  readonly #requestFd: number;
  readonly #memory = allocateMemory(BUFFER_BYTES);
  #sequence = 0;

  constructor() {
    this.fd = openNetlink(O_NONBLOCK);
    this.#requestFd = openNetlink(0);
    this.#memory.view.setInt32(0, EVENT_BUFFER_BYTES, true);
    setsockopt(this.fd, SOL_SOCKET, SO_RCVBUFFORCE, this.#memory.address, 4);
    for (const group of GROUPS) {
      this.#memory.view.setInt32(0, group, true);
      if (setsockopt(this.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, this.#memory.address, 4) < 0) {
        throw systemError(`join netlink group ${group}`, lastErrno());
      }
    }
  }

  links(): LinkInfo[] {
    return this.#dump(RTM_GETLINK).flatMap((body) => parseLink(body) ?? []);
  }

  addresses(): AddressInfo[] {
    return this.#dump(RTM_GETADDR).flatMap((body) => parseAddress(body) ?? []);
  }

  routes(): RouteInfo[] {
    return this.#dump(RTM_GETROUTE).flatMap(parseRoutes);
  }

  drain(onEvent: (event: RouteEvent) => void): number {
    let count = 0;
    for (;;) {
      const length = recv(this.fd, this.#memory.address, BUFFER_BYTES, 0);
      const errno = length < 0 ? lastErrno() : 0;
      if (errno === ERRNO.EAGAIN) return count;
      if (errno === ERRNO.EINTR) continue;
      if (errno !== 0 && errno !== ERRNO.ENOBUFS) throw systemError("receive netlink events", errno);
      const events: RouteEvent[] = errno === 0 ? this.#events(length) : [{ kind: "overrun" }];
      for (const event of events) onEvent(event);
      count += events.length;
    }
  }

  close(): void {
    close(this.fd);
    close(this.#requestFd);
  }

  #events(length: number): RouteEvent[] {
    const copy = this.#memory.buffer.slice(0, length);
    return [...messagesOf(copy, length)].flatMap(eventsOf);
  }

  /** Bodies of the answers. A dump during which something changed is made again, as the kernel asks for. */
  #dump(type: number): DataView[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      this.#request(type);
      const { bodies, interrupted } = this.#collect();
      if (!interrupted || attempt === DUMP_ATTEMPTS - 1) return bodies;
    }
    return [];
  }

  #request(type: number): void {
    const { view, bytes, address } = this.#memory;
    bytes.fill(0, 0, REQUEST_BYTES);
    view.setUint32(NLMSGHDR.LENGTH, REQUEST_BYTES, true);
    view.setUint16(NLMSGHDR.TYPE, type, true);
    view.setUint16(NLMSGHDR.FLAGS, NLM_F_REQUEST | NLM_F_DUMP, true);
    view.setUint32(NLMSGHDR.SEQUENCE, ++this.#sequence, true);
    if (send(this.#requestFd, address, REQUEST_BYTES, 0) < 0) throw systemError("netlink request", lastErrno());
  }

  #collect(): { bodies: DataView[]; interrupted: boolean } {
    const bodies: DataView[] = [];
    let interrupted = false;
    for (;;) {
      const length = recv(this.#requestFd, this.#memory.address, BUFFER_BYTES, 0);
      const errno = length < 0 ? lastErrno() : 0;
      if (errno === ERRNO.EINTR) continue;
      if (errno !== 0) throw systemError("netlink answer", errno);
      for (const message of messagesOf(this.#memory.buffer.slice(0, length), length)) {
        if ((message.flags & NLM_F_DUMP_INTERRUPTED) !== 0) interrupted = true;
        if (message.type === NLMSG_DONE) return { bodies, interrupted };
        if (message.type === NLMSG_ERROR) throw systemError("netlink answer", -message.body.getInt32(0, true));
        bodies.push(message.body);
      }
    }
  }
}

function eventsOf(message: NetlinkMessage): RouteEvent[] {
  switch (message.type) {
    case RTM_NEWLINK: {
      const link = parseLink(message.body);
      return link === undefined ? [] : [{ kind: "link", link }];
    }
    case RTM_DELLINK: {
      const link = parseLink(message.body);
      return link === undefined ? [] : [{ kind: "link-gone", ifindex: link.ifindex, name: link.name }];
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = parseAddress(message.body);
      if (address === undefined) return [];
      return [{ kind: message.type === RTM_NEWADDR ? "address" : "address-gone", address }];
    }
    case RTM_NEWROUTE:
      return parseRoutes(message.body).map((route) => ({ kind: "route", route }));
    case RTM_DELROUTE:
      return parseRoutes(message.body).map((route) => ({ kind: "route-gone", route }));
    default:
      return [];
  }
}

function openNetlink(flags: number): number {
  const fd = socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC | flags, NETLINK_ROUTE);
  if (fd < 0) throw systemError("open a netlink socket", lastErrno());
  const address = allocateMemory(SOCKADDR_NL_BYTES);
  address.view.setUint16(0, AF_NETLINK, true);
  if (bind(fd, address.address, SOCKADDR_NL_BYTES) < 0) throw systemError("bind a netlink socket", lastErrno());
  return fd;
}

/** From linux/netlink.h, linux/rtnetlink.h. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOCKADDR_NL_BYTES = 12;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
/** RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE. */
const GROUPS = [1, 5, 7, 9, 11];

/** A request with the largest of the family headers, all zero: everything, of all families. */
const REQUEST_BYTES = NLMSGHDR.SIZE + 16;
/** The kernel fills at most 32 KiB per answer. */
const BUFFER_BYTES = 65_536;
/** A routing daemon that replaces thousands of routes at once. */
const EVENT_BUFFER_BYTES = 4 << 20;
const DUMP_ATTEMPTS = 8;

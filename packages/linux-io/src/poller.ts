/** ppoll(2) over a handful of descriptors, and the eventfd that ends its wait from another thread. */

import {
  close,
  ERRNO,
  eventfd,
  lastErrno,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLFD,
  ppoll,
  read,
  TIMESPEC,
  write,
} from "./libc.ts";
import { allocateMemory } from "./memory.ts";
import { systemError } from "./system-error.ts";
import type { EventFd, Poller } from "./types.ts";

/** An empty set of at most {@link MAX_DESCRIPTORS} descriptors. */
export function createPoller(): Poller {
  return new PpollSet();
}

/** @throws SystemError where the process has no descriptors left. */
export function createEventFd(): EventFd {
  const fd = eventfd(0, O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw systemError("eventfd", lastErrno());
  return {
    fd,
    clear: () => {
      read(fd, counter.address, 8);
    },
    close: () => {
      close(fd);
    },
  };
}

/** Makes the eventfd readable. Any thread of the process may call it. */
export function wakeEventFd(fd: number): void {
  counter.view.setUint32(ONE, 1, true);
  write(fd, counter.address + ONE, 8);
}

class PpollSet implements Poller {
  readonly #memory = allocateMemory(TIMESPEC.SIZE + MAX_DESCRIPTORS * POLLFD.SIZE);
  /** Entries in use, holes (descriptor -1, which the kernel skips) included. */
  #length = 0;

  add(fd: number, wantWrite = false): number {
    let index = 0;
    while (index < this.#length && this.#fd(index) >= 0) index++;
    if (index === MAX_DESCRIPTORS) throw new RangeError(`a poller holds at most ${MAX_DESCRIPTORS} descriptors`);
    this.#length = Math.max(this.#length, index + 1);
    this.#memory.view.setInt32(entry(index) + POLLFD.FD, fd, true);
    this.#memory.view.setInt16(entry(index) + POLLFD.EVENTS, wantWrite ? POLLIN | POLLOUT : POLLIN, true);
    this.#memory.view.setInt16(entry(index) + POLLFD.REVENTS, 0, true);
    return index;
  }

  remove(fd: number): void {
    for (let index = 0; index < this.#length; index++) {
      if (this.#fd(index) !== fd) continue;
      this.#memory.view.setInt32(entry(index) + POLLFD.FD, -1, true);
      this.#memory.view.setInt16(entry(index) + POLLFD.REVENTS, 0, true);
    }
    while (this.#length > 0 && this.#fd(this.#length - 1) < 0) this.#length--;
  }

  setWantWrite(index: number, wantWrite: boolean): void {
    const at = entry(index) + POLLFD.EVENTS;
    const events = this.#memory.view.getInt16(at, true);
    this.#memory.view.setInt16(at, wantWrite ? events | POLLOUT : events & ~POLLOUT, true);
  }

  wait(timeoutUs: number): number {
    const { view, address } = this.#memory;
    let timeout = 0;
    if (timeoutUs >= 0) {
      const seconds = Math.trunc(timeoutUs / 1e6);
      view.setUint32(TIMESPEC.SECONDS, seconds, true);
      view.setUint32(TIMESPEC.NANOSECONDS, Math.ceil((timeoutUs - seconds * 1e6) * 1e3), true);
      timeout = address;
    }
    const ready = ppoll(address + TIMESPEC.SIZE, this.#length, timeout, 0);
    return ready >= 0 ? ready : this.#failed(lastErrno());
  }

  readable(index: number): boolean {
    return (this.#revents(index) & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) !== 0;
  }

  writable(index: number): boolean {
    return (this.#revents(index) & POLLOUT) !== 0;
  }

  /** A signal ends the wait with nothing ready; the kernel then leaves the old answers in place. */
  #failed(errno: number): number {
    if (errno !== ERRNO.EINTR) throw systemError("ppoll", errno);
    for (let i = 0; i < this.#length; i++) this.#memory.view.setInt16(entry(i) + POLLFD.REVENTS, 0, true);
    return 0;
  }

  #fd(index: number): number {
    return this.#memory.view.getInt32(entry(index) + POLLFD.FD, true);
  }

  #revents(index: number): number {
    return this.#memory.view.getInt16(entry(index) + POLLFD.REVENTS, true);
  }
}

function entry(index: number): number {
  return TIMESPEC.SIZE + index * POLLFD.SIZE;
}

/** More links than a gateway has; poll(2) is linear in it. */
const MAX_DESCRIPTORS = 256;

/** poll.h */
const POLLIN = 0x1;
const POLLOUT = 0x4;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;

/** Each thread loads its own copy of this module, hence of this memory. */
const ONE = 8;
const counter = allocateMemory(16);

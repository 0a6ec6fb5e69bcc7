/**
 * The C library, found in the Node process itself, and the layout of the kernel structures that this package fills by
 * hand. Signatures keep the order and the names of the man pages; a pointer is a plain number. The layouts are compared
 * with what the compiler of this machine would do when the module is loaded, so a foreign ABI stops here and not in a
 * corrupted packet.
 */

import { endianness } from "node:os";
import koffi from "koffi";

const libc = koffi.load(null);
const POINTER = "uintptr_t";

export const open: (path: string, flags: number) => number = libc.func("open", "int", ["str", "int"]);
export const close: (fd: number) => number = libc.func("close", "int", ["int"]);
export const ioctl: (fd: number, request: number, argument: number) => number = libc.func("ioctl", "int", [
  "int",
  "ulong",
  POINTER,
]);
export const read: (fd: number, buffer: number, count: number) => number = libc.func("read", "int64", [
  "int",
  POINTER,
  "size_t",
]);
export const write: (fd: number, buffer: number, count: number) => number = libc.func("write", "int64", [
  "int",
  POINTER,
  "size_t",
]);
export const writev: (fd: number, iov: number, iovcnt: number) => number = libc.func("writev", "int64", [
  "int",
  POINTER,
  "int",
]);
export const socket: (domain: number, type: number, protocol: number) => number = libc.func("socket", "int", [
  "int",
  "int",
  "int",
]);
export const bind: (fd: number, address: number, addressLength: number) => number = libc.func("bind", "int", [
  "int",
  POINTER,
  "uint",
]);
export const getsockname: (fd: number, address: number, addressLength: number) => number = libc.func(
  "getsockname",
  "int",
  ["int", POINTER, POINTER],
);
export const setsockopt: (fd: number, level: number, name: number, value: number, length: number) => number = libc.func(
  "setsockopt",
  "int",
  ["int", "int", "int", POINTER, "uint"],
);
export const getsockopt: (fd: number, level: number, name: number, value: number, length: number) => number = libc.func(
  "getsockopt",
  "int",
  ["int", "int", "int", POINTER, POINTER],
);
export const sendmsg: (fd: number, msg: number, flags: number) => number = libc.func("sendmsg", "int64", [
  "int",
  POINTER,
  "int",
]);
export const recvmmsg: (fd: number, msgvec: number, vlen: number, flags: number, timeout: number) => number = libc.func(
  "recvmmsg",
  "int",
  ["int", POINTER, "uint", "int", POINTER],
);
export const recv: (fd: number, buffer: number, length: number, flags: number) => number = libc.func("recv", "int64", [
  "int",
  POINTER,
  "size_t",
  "int",
]);
export const send: (fd: number, buffer: number, length: number, flags: number) => number = libc.func("send", "int64", [
  "int",
  POINTER,
  "size_t",
  "int",
]);
export const ppoll: (fds: number, nfds: number, timeout: number, sigmask: number) => number = libc.func(
  "ppoll",
  "int",
  [POINTER, "ulong", POINTER, POINTER],
);
export const clock_gettime: (clockid: number, tp: number) => number = libc.func("clock_gettime", "int", [
  "int",
  POINTER,
]);
export const eventfd: (initval: number, flags: number) => number = libc.func("eventfd", "int", ["uint", "int"]);
export const prctl: (option: number, arg2: number) => number = libc.func("prctl", "int", ["int", "ulong"]);
export const sched_setscheduler: (pid: number, policy: number, param: number) => number = libc.func(
  "sched_setscheduler",
  "int",
  ["int", "int", POINTER],
);

/** errno of the last call of this thread. Read it at once, and only after a call that failed. */
export const lastErrno: () => number = koffi.errno;

/** errno numbers by name, as far as the code decides by them. asm-generic/errno.h */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  EBADFD: 77,
  ENOTSOCK: 88,
  EMSGSIZE: 90,
  ENOBUFS: 105,
} as const;

/** The name of an errno number, such as "EPERM". */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(koffi.os.errno)) {
    if (value === errno) return name;
  }
  return `E${errno}`;
}

/** open(2), socket(2), eventfd(2). */
export const O_RDWR = 0x2;
export const O_NONBLOCK = 0x800;
export const O_CLOEXEC = 0x80000;

/** struct iovec: 0 base pointer | 8 length u64 */
export const IOVEC = { BASE: 0, LENGTH: 8, SIZE: 16 } as const;
/** struct msghdr: 0 name pointer | 8 name length u32 | 16 iovec pointer | 24 iovec count | 32 control pointer | 40 control length | 48 flags */
export const MSGHDR = {
  NAME: 0,
  NAME_LENGTH: 8,
  IOV: 16,
  IOV_COUNT: 24,
  CONTROL: 32,
  CONTROL_LENGTH: 40,
  FLAGS: 48,
  SIZE: 56,
} as const;
/** struct mmsghdr: a msghdr, then at 56 the length of the received message u32 */
export const MMSGHDR = { LENGTH: 56, SIZE: 64 } as const;
/** struct cmsghdr: 0 length u64 (with this header) | 8 level i32 | 12 type i32 | 16 data */
export const CMSG = { LENGTH: 0, LEVEL: 8, TYPE: 12, DATA: 16 } as const;
/** struct pollfd: 0 fd i32 | 4 events i16 | 6 revents i16 */
export const POLLFD = { FD: 0, EVENTS: 4, REVENTS: 6, SIZE: 8 } as const;
/** struct timespec: 0 seconds i64 | 8 nanoseconds i64 */
export const TIMESPEC = { SECONDS: 0, NANOSECONDS: 8, SIZE: 16 } as const;

/** Space that a control message with `dataLength` bytes takes, CMSG_SPACE. */
export function cmsgSpace(dataLength: number): number {
  return CMSG.DATA + ((dataLength + 7) & ~7);
}

assertLayouts();

function assertLayouts(): void {
  if (endianness() !== "LE") throw new Error("EdgeBOS runs on little-endian machines only");
  const iovec = koffi.struct({ base: POINTER, length: "size_t" });
  const msghdr = koffi.struct({
    name: POINTER,
    nameLength: "uint",
    iov: POINTER,
    iovCount: "size_t",
    control: POINTER,
    controlLength: "size_t",
    flags: "int",
  });
  const mmsghdr = koffi.struct({ header: msghdr, length: "uint" });
  const cmsghdr = koffi.struct({ length: "size_t", level: "int", type: "int" });
  const pollfd = koffi.struct({ fd: "int", events: "short", revents: "short" });
  const timespec = koffi.struct({ seconds: "long", nanoseconds: "long" });
  const expected: [string, number, number][] = [
    ["sizeof iovec", koffi.sizeof(iovec), IOVEC.SIZE],
    ["iovec.length", koffi.offsetof(iovec, "length"), IOVEC.LENGTH],
    ["sizeof msghdr", koffi.sizeof(msghdr), MSGHDR.SIZE],
    ["msghdr.nameLength", koffi.offsetof(msghdr, "nameLength"), MSGHDR.NAME_LENGTH],
    ["msghdr.iov", koffi.offsetof(msghdr, "iov"), MSGHDR.IOV],
    ["msghdr.iovCount", koffi.offsetof(msghdr, "iovCount"), MSGHDR.IOV_COUNT],
    ["msghdr.control", koffi.offsetof(msghdr, "control"), MSGHDR.CONTROL],
    ["msghdr.controlLength", koffi.offsetof(msghdr, "controlLength"), MSGHDR.CONTROL_LENGTH],
    ["msghdr.flags", koffi.offsetof(msghdr, "flags"), MSGHDR.FLAGS],
    ["sizeof mmsghdr", koffi.sizeof(mmsghdr), MMSGHDR.SIZE],
    ["mmsghdr.length", koffi.offsetof(mmsghdr, "length"), MMSGHDR.LENGTH],
    ["cmsghdr.level", koffi.offsetof(cmsghdr, "level"), CMSG.LEVEL],
    ["cmsghdr.type", koffi.offsetof(cmsghdr, "type"), CMSG.TYPE],
    ["sizeof cmsghdr", koffi.sizeof(cmsghdr), CMSG.DATA],
    ["sizeof pollfd", koffi.sizeof(pollfd), POLLFD.SIZE],
    ["pollfd.revents", koffi.offsetof(pollfd, "revents"), POLLFD.REVENTS],
    ["sizeof timespec", koffi.sizeof(timespec), TIMESPEC.SIZE],
    ["timespec.nanoseconds", koffi.offsetof(timespec, "nanoseconds"), TIMESPEC.NANOSECONDS],
  ];
  for (const [what, actual, wanted] of expected) {
    if (actual !== wanted) throw new Error(`${what} is ${actual} on this machine, ${wanted} on 64-bit Linux`);
  }
}

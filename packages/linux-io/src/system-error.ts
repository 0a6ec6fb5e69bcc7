/** Errors of system calls, translated once into what an operator can do about them. */

import { ERRNO, errnoName } from "./libc.ts";

/** A system call failed in a way that someone has to mend. `code` is errno's name and stable. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;
  readonly errno: number;
  /** The call and its object, such as "TUNSETIFF edgebos0". */
  readonly operation: string;

  constructor(operation: string, errno: number, advice?: string) {
    const code = errnoName(errno);
    super(`${operation}: ${code}. ${advice ?? generalAdvice(code)}`);
    this.operation = operation;
    this.errno = errno;
    this.code = code;
  }
}

/** Advice that depends on the call, by errno's name; the rest is general. */
export type Advice = Readonly<Record<string, string>>;

/** Builds the error for `errno`, with the call's own advice where it has any. */
export function systemError(operation: string, errno: number, advice: Advice = {}): SystemError {
  return new SystemError(operation, errno, advice[errnoName(errno)]);
}

/** Whether a descriptor or address is wrong: a fault of the program, never of the network. */
export function isProgramFault(errno: number): boolean {
  return errno === ERRNO.EBADF || errno === ERRNO.EFAULT || errno === ERRNO.ENOTSOCK;
}

const GENERAL_ADVICE: Advice = {
  EPERM: "Run as root, or give the process the capability CAP_NET_ADMIN.",
  EACCES: "Run as root, or give the process the capability CAP_NET_ADMIN.",
  EADDRINUSE: "Another process has this port: stop it, or choose another port.",
  EADDRNOTAVAIL: "No interface of this machine has this address: check the address and whether the link is up.",
  ENODEV: "The interface does not exist any more: check its name and whether the link is plugged in.",
  EMFILE: "The process has too many open files: raise its limit (ulimit -n).",
  ENFILE: "The machine has too many open files: raise the sysctl fs.file-max.",
  ENOMEM: "The machine is out of memory.",
  ENOBUFS: "The kernel is out of buffer memory.",
  EAFNOSUPPORT: "The kernel lacks this address family: enable IPv6, or use an IPv4 address.",
  EBADFD: "The interface was deleted by someone else: start the service again.",
  EBADF: "The descriptor is closed; this is a fault of the program, please report it.",
  EFAULT: "The memory address is wrong; this is a fault of the program, please report it.",
};

function generalAdvice(code: string): string {
  return GENERAL_ADVICE[code] ?? "See the manual page of the call for this error.";
}

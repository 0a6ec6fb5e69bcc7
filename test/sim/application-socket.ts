/** net.core.rmem_default ÷ what the kernel charges for a datagram of 1,300 bytes. */
const SOCKET_PACKETS = 92;
/** The application sleeps until the first datagram comes, then wakes up … */
const WAKE_UP_US = 200;
/** … and reads one after the other. */
const READ_US = 4;

/** The socket of an application that reads UDP with the kernel's default buffer. */
export class ApplicationSocket {
  overflowPackets = 0;
  #queued = 0;
  #readsFrom = 0;

  /** A datagram arrives. */
  arrive(now: number): void {
    const read = Math.min(this.#queued, Math.max(0, Math.floor((now - this.#readsFrom) / READ_US)));
    this.#queued -= read;
    this.#readsFrom += read * READ_US;
    if (this.#queued === 0) this.#readsFrom = now + WAKE_UP_US;
    if (this.#queued >= SOCKET_PACKETS) this.overflowPackets++;
    else this.#queued++;
  }
}

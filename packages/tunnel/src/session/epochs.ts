import type { Aead, KeyHandle, Micros } from "../types.ts";

const NO_KEY = -1 as KeyHandle;
/** A key is replaced after this many packets (docs/protocol.md §4) … */
const REKEY_PACKETS = 2 ** 36;
/** … or this long, whichever comes first. */
const REKEY_AGE_US = 3_600_000_000;

/**
 * Keys of the current epoch and its neighbours (docs/protocol.md §4). A client sends with a new epoch at once; a server when it has
 * authenticated a packet of that epoch, because only then the client is known to have it.
 */
export class Epochs {
  /** Epoch with which we send; -1 before the first keys. */
  sendEpoch = -1;
  sendKey: KeyHandle = NO_KEY;

  readonly #aead: Aead;
  readonly #isClient: boolean;
  /** Indexed by epoch mod 4. */
  readonly #sendKeys: KeyHandle[] = [NO_KEY, NO_KEY, NO_KEY, NO_KEY];
  readonly #receiveKeys: KeyHandle[] = [NO_KEY, NO_KEY, NO_KEY, NO_KEY];
  readonly #epochs = [-1, -1, -1, -1];
  #sealedPackets = 0;
  #installedAt = 0 as Micros;
  #isRekeyAsked = false;

  constructor(aead: Aead, isClient: boolean) {
    this.#aead = aead;
    this.#isClient = isClient;
  }

  install(epoch: number, sendKey: Uint8Array, receiveKey: Uint8Array, now: Micros): void {
    const index = epoch & 3;
    this.#drop(index);
    this.#epochs[index] = epoch;
    this.#sendKeys[index] = this.#aead.importKey(sendKey, "seal");
    this.#receiveKeys[index] = this.#aead.importKey(receiveKey, "open");
    if (this.#isClient || this.sendEpoch < 0) this.#sendWith(epoch, now);
  }

  /** Key for a received packet of `epochBits` (epoch mod 4), or -1. */
  receiveKey(epochBits: number): KeyHandle {
    return this.#receiveKeys[epochBits]!;
  }

  /** A packet of this epoch was authenticated: the peer has its keys. */
  confirm(epochBits: number, now: Micros): void {
    const epoch = this.#epochs[epochBits]!;
    if (epoch > this.sendEpoch) this.#sendWith(epoch, now);
  }

  countSealed(packets: number): void {
    this.#sealedPackets += packets;
  }

  /** True once per key, when it has to be replaced. */
  isRekeyDue(now: Micros): boolean {
    if (this.#isRekeyAsked || this.sendEpoch < 0) return false;
    this.#isRekeyAsked = this.#sealedPackets >= REKEY_PACKETS || this.#installedAt + REKEY_AGE_US <= now;
    return this.#isRekeyAsked;
  }

  /** When `isRekeyDue` may become true by age. */
  rekeyAt(): Micros {
    const isWaiting = this.sendEpoch >= 0 && !this.#isRekeyAsked;
    return (isWaiting ? this.#installedAt + REKEY_AGE_US : Number.POSITIVE_INFINITY) as Micros;
  }

  close(): void {
    for (let index = 0; index < 4; index++) this.#drop(index);
    this.sendEpoch = -1;
    this.sendKey = NO_KEY;
  }

  #sendWith(epoch: number, now: Micros): void {
    this.sendEpoch = epoch;
    this.sendKey = this.#sendKeys[epoch & 3]!;
    this.#sealedPackets = 0;
    this.#installedAt = now;
    this.#isRekeyAsked = false;
    for (let index = 0; index < 4; index++) {
      if (this.#epochs[index]! < epoch - 1) this.#drop(index);
    }
  }

  #drop(index: number): void {
    if (this.#epochs[index]! < 0) return;
    this.#aead.dropKey(this.#sendKeys[index]!);
    this.#aead.dropKey(this.#receiveKeys[index]!);
    this.#epochs[index] = -1;
    this.#sendKeys[index] = NO_KEY;
    this.#receiveKeys[index] = NO_KEY;
  }
}

/** Handshakes that are remembered at once; a newer one takes the place of an older one. A power of two. */
const ENTRIES = 4_096;
const NO_SCALE = -1;
/** Promises are rounded up to whole units of a window: coarser ones would grow with each ack by about as much as it acknowledges. */
const SCALE_MAX = 11;
/** A host answers sooner than this, or the answer was lost. */
const HOST_MAX_US = 500_000;

/**
 * What SYN segments agreed on, by the flow whose data the host sends into the bond. A flow takes its entry away when its first packet behind the handshake
 * comes; what was not taken is overwritten sooner or later.
 */
export class Handshakes {
  /** Result of `take`: how many bits the windows of acks to the host are shifted by. */
  windowScale = 0;
  /** Result of `take`: from what the peer said to the host's answer. */
  hostUs = 0.5;
  /** When the newest SYN of any host came in. */
  newestAskedAt = Number.NEGATIVE_INFINITY;
  readonly #askedAt = new Float64Array(ENTRIES).fill(Number.NEGATIVE_INFINITY);
  readonly #flows = new Int32Array(ENTRIES);
  readonly #states = new Uint8Array(ENTRIES);
  readonly #peerScales = new Int8Array(ENTRIES);
  readonly #heardAt = new Float64Array(ENTRIES);

  /** A SYN, or its answer, on its way to the host. */
  notePeer(flow: number, windowScale: number, isPlain: boolean, now: number): void {
    const index = this.#index(flow);
    this.#states[index]! = (this.#states[index]! & (HOST | HOST_SCALES)) | (isPlain ? PEER : 0);
    this.#peerScales[index] = windowScale;
    this.#heardAt[index] = now;
  }

  /** A SYN, or its answer, that comes in from the host. */
  noteHost(flow: number, windowScale: number, isPlain: boolean, now: number): void {
    const index = this.#index(flow);
    this.#askedAt[index] = now;
    this.newestAskedAt = now;
    const state = (isPlain ? HOST : 0) | (windowScale === NO_SCALE ? 0 : HOST_SCALES);
    this.#states[index]! = (this.#states[index]! & PEER) | state;
  }

  /** When the host's newest SYN came in; minus Infinity if none is remembered. */
  askedAt(flow: number): number {
    return this.#askedAt[this.#index(flow)]!;
  }

  /** The host sends on after both sides have spoken. Returns false if the flow's handshake was not seen, or did not agree on what credit needs. */
  take(flow: number, now: number): boolean {
    const index = this.#index(flow);
    const state = this.#states[index]!;
    if (this.#flows[index] !== flow || (state & (HOST | PEER)) !== (HOST | PEER)) return false;
    // RFC 7323 §2.2: windows are scaled if both SYN segments have the option.
    const isScaled = (state & HOST_SCALES) !== 0 && this.#peerScales[index] !== NO_SCALE;
    this.windowScale = isScaled ? this.#peerScales[index]! : 0;
    this.hostUs = Math.min(now - this.#heardAt[index]!, HOST_MAX_US);
    this.#states[index] = 0;
    return this.windowScale <= SCALE_MAX;
  }

  #index(flow: number): number {
    const index = (Math.imul(flow, 0x9e37_79b1) >>> 16) & (ENTRIES - 1);
    if (this.#flows[index] !== flow) {
      this.#flows[index] = flow;
      this.#states[index] = 0;
      this.#askedAt[index] = Number.NEGATIVE_INFINITY;
    }
    return index;
  }
}

const HOST = 1;
const HOST_SCALES = 2;
const PEER = 4;

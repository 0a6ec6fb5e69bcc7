import type { TrafficClass } from "../types.ts";

// From the specifications (IANA protocol numbers, RFC 791, RFC 8200), offsets in the IP headers included.
const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
const ICMP_V6 = 58;
const V4_PROTOCOL = 9;
const V6_NEXT_HEADER = 6;
const V6_HOP_BY_HOP = 0;
const V6_ROUTING = 43;
const V6_FRAGMENT = 44;
const V6_DESTINATION = 60;
const V4_FRAGMENT_BITS = 0x3fff;

// Ours.
/** Lanes from here on carry what has no ports; a ping then never shares a queue with a bulk flow. */
const FIRST_PORTLESS_LANE = 240;
const PORTLESS_LANES = 16;
/** Extension headers that are walked before a packet counts as portless. */
const EXTENSION_BUDGET = 4;
/**
 * An unordered packet must never need splitting; every path takes this much. What asks for urgency (voice, control) has its own sequence numbers and its
 * own idea of "too late" (RFC 3550): one packet's repair must not delay those behind it. All else is ordered: QUIC takes three later packets for a
 * loss (RFC 9002 §6.1.1), VPNs have replay windows, and much that is written for UDP has never seen a reordered packet.
 */
const UNORDERED_MAX_BYTES = 1_000;

/**
 * Reads an inner IPv4 or IPv6 packet's headers: which lane, which class, whether order matters. The lane is a hash that is the
 * same for both directions of a flow. One instance is reused for every packet.
 */
export class InnerClassifier {
  lane = 0;
  trafficClass: TrafficClass = "bulk";
  unordered = false;
  protocol = 0;
  /** Arena offset of the transport header. */
  transportOffset = 0;
  readonly #perturbation: number;

  /** Both ends must pass the same `perturbation`. */
  constructor(perturbation: number) {
    this.#perturbation = perturbation | 0;
  }

  /** Returns false for what is neither IPv4 nor IPv6, or cut short. */
  read(view: DataView, offset: number, length: number): boolean {
    if (length < 20) return false;
    const version = view.getUint8(offset) >>> 4;
    if (version === 4) return this.#readV4(view, offset, length);
    return version === 6 && length >= 40 && this.#readV6(view, offset, length);
  }

  #readV4(view: DataView, offset: number, length: number): boolean {
    const headerBytes = (view.getUint8(offset) & 15) * 4;
    if (headerBytes < 20 || headerBytes > length) return false;
    this.protocol = view.getUint8(offset + V4_PROTOCOL);
    this.transportOffset = offset + headerBytes;
    const source = view.getInt32(offset + 12);
    const destination = view.getInt32(offset + 16);
    const isFragment = (view.getUint16(offset + 6) & V4_FRAGMENT_BITS) !== 0;
    this.trafficClass = DSCP_CLASS[view.getUint8(offset + 1) >>> 2]!;
    this.#finish(view, length, source ^ destination, (source + destination) | 0, isFragment, headerBytes);
    return true;
  }

  #readV6(view: DataView, offset: number, length: number): boolean {
    let next = view.getUint8(offset + V6_NEXT_HEADER);
    let headerBytes = 40;
    for (let i = 0; i < EXTENSION_BUDGET && isV6Extension(next) && headerBytes + 8 <= length; i++) {
      next = view.getUint8(offset + headerBytes);
      headerBytes += 8 * (view.getUint8(offset + headerBytes + 1) + 1);
    }
    this.protocol = next;
    this.transportOffset = offset + headerBytes;
    let xor = 0;
    let sum = 0;
    for (let i = 8; i < 24; i += 4) {
      const source = view.getInt32(offset + i);
      const destination = view.getInt32(offset + i + 16);
      xor = Math.imul(xor, 31) + (source ^ destination);
      sum = Math.imul(sum, 31) + ((source + destination) | 0);
    }
    this.trafficClass = DSCP_CLASS[(view.getUint16(offset) >>> 6) & 63]!;
    this.#finish(view, length, xor | 0, sum | 0, next === V6_FRAGMENT, headerBytes);
    return true;
  }

  #finish(view: DataView, length: number, xor: number, sum: number, isFragment: boolean, headerBytes: number): void {
    const protocol = this.protocol;
    const hasPorts = (protocol === TCP || protocol === UDP) && !isFragment && headerBytes + 4 <= length;
    let hash = Math.imul(xor ^ this.#perturbation, 0x9e37_79b1) ^ Math.imul(sum + protocol, 0x85eb_ca6b);
    if (hasPorts) {
      const ports = view.getUint16(this.transportOffset) ^ view.getUint16(this.transportOffset + 2);
      const portSum = view.getUint16(this.transportOffset) + view.getUint16(this.transportOffset + 2);
      hash ^= Math.imul(ports + (portSum << 16), 0xc2b2_ae35);
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    hash = (hash ^ (hash >>> 13)) >>> 0;
    const isIcmp = protocol === ICMP || protocol === ICMP_V6;
    this.lane = isIcmp ? FIRST_PORTLESS_LANE + (hash % PORTLESS_LANES) : hash % FIRST_PORTLESS_LANE;
    const isUrgent = protocol === UDP && this.trafficClass === "critical" && !isFragment;
    this.unordered = (isIcmp || isUrgent) && length <= UNORDERED_MAX_BYTES;
  }
}

/** Whether an IPv4 or IPv6 packet carries UDP right behind its first header. */
export function isUdp(view: DataView, offset: number): boolean {
  const isV4 = view.getUint8(offset) >>> 4 === 4;
  return view.getUint8(offset + (isV4 ? V4_PROTOCOL : V6_NEXT_HEADER)) === UDP;
}

function isV6Extension(next: number): boolean {
  return next === V6_HOP_BY_HOP || next === V6_ROUTING || next === V6_DESTINATION;
}

/** RFC 4594 service classes, RFC 8622 for LE: what an application marks itself as. */
const DSCP_CLASS: readonly TrafficClass[] = Array.from({ length: 64 }, (_, dscp) => {
  if (dscp >= 40) return "critical";
  if (dscp === 1 || dscp === 8) return "background";
  return dscp >= 32 ? "interactive" : "bulk";
});

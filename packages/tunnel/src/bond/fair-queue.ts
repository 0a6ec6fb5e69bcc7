import type { Micros } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import { Lane, type Round } from "./lane.ts";

/** Bytes that a lane may send per turn: two full packets. */
const QUANTUM_BYTES = 3_000;
/** Accounted per packet on top of its bytes, so that a flood of tiny packets does not win. */
const PACKET_COST_BYTES = 60;
/** A fresh or critical lane with fewer packets than this is urgent; with a longer queue it is bulk in disguise. */
const URGENT_PACKETS = 4;
const CRITICAL_PACKETS = 32;
/** Turns of critical lanes in a row while an ordinary one waits: a call that is larger than the link must not silence everything else. */
const CRITICAL_TURNS = 4;
/** Turns of ordinary lanes per turn of a background lane. */
const BACKGROUND_EVERY = 16;

/**
 * Deficit round robin over lanes with FQ-CoDel's two lists (RFC 8290): a lane that was idle gets one turn ahead of those with a backlog, which is what
 * keeps a call or a key press quick beside a download. Critical lanes come before both, background lanes get what is left and a small share.
 */
export class FairQueue {
  readonly lanes: (Lane | undefined)[] = new Array<Lane | undefined>(LANES).fill(undefined);
  packets = 0;
  bytes = 0;
  readonly #critical = new LaneList();
  readonly #fresh = new LaneList();
  readonly #old = new LaneList();
  readonly #background = new LaneList();
  #criticalTurns = 0;
  #ordinaryTurns = 0;

  lane(id: number): Lane {
    let lane = this.lanes[id];
    if (lane === undefined) {
      lane = new Lane(id);
      this.lanes[id] = lane;
    }
    return lane;
  }

  /** The lane got a packet: give it a place in the round if it has none. */
  enlist(lane: Lane, packetBytes: number): void {
    this.packets++;
    this.bytes += packetBytes;
    if (lane.round !== "none") return;
    lane.deficitBytes = QUANTUM_BYTES;
    if (lane.isCritical) this.#join(lane, "critical");
    else this.#join(lane, lane.isBackground ? "background" : "fresh");
  }

  /** A lane whose next packet must not wait behind anything, or undefined. */
  urgent(now: Micros): Lane | undefined {
    const critical = this.#critical.head;
    if (critical !== undefined && isUrgent(critical, now)) return critical;
    const fresh = this.#fresh.head;
    return fresh !== undefined && isUrgent(fresh, now) ? fresh : undefined;
  }

  /** Share of the bond that a lane with a backlog may expect. A background lane beside others counts on none and takes what comes. */
  shareOf(lane: Lane): number {
    const others = this.#critical.lanes + this.#fresh.lanes + this.#old.lanes;
    if (lane.round === "background") {
      return others > 0 ? 0 : 1 / Math.max(1, this.#background.lanes);
    }
    return 1 / Math.max(1, others);
  }

  /** The lane whose turn it is, or undefined if all are empty. */
  turn(): Lane | undefined {
    for (;;) {
      const list = this.#nextList();
      const lane = list?.head;
      if (list === undefined || lane === undefined) return undefined;
      if (lane.packets === 0) {
        list.shift();
        if (list !== this.#critical) this.#criticalTurns = 0;
        if (list === this.#fresh && this.#old.head !== undefined) this.#join(lane, "old");
        else lane.round = "none";
      } else if (lane.deficitBytes <= 0) {
        lane.deficitBytes += QUANTUM_BYTES;
        list.shift();
        this.#join(lane, this.#nextRound(lane));
      } else {
        return lane;
      }
    }
  }

  /** The lane whose turn comes after this one's, or undefined. Lanes may be empty. */
  after(lane: Lane): Lane | undefined {
    if (lane.following !== undefined) return lane.following;
    switch (lane.round) {
      case "critical":
        return this.#fresh.head ?? this.#old.head ?? this.#background.head;
      case "fresh":
        return this.#old.head ?? this.#background.head;
      case "old":
        return this.#background.head;
      default:
        return undefined;
    }
  }

  /** Accounts for a packet that was taken from the lane and is sent. */
  charge(lane: Lane, packetBytes: number, now: Micros): void {
    this.discard(packetBytes);
    lane.deficitBytes -= packetBytes + PACKET_COST_BYTES;
    lane.noteSent(packetBytes, now);
  }

  /** Accounts for a repair: its lane has had so much of its turn, and comes to owe at most another one. */
  chargeRepair(laneId: number, packetBytes: number): void {
    const lane = this.lanes[laneId];
    if (lane !== undefined && lane.deficitBytes > -QUANTUM_BYTES) lane.deficitBytes -= packetBytes + PACKET_COST_BYTES;
  }

  /** Accounts for a packet that was taken from its lane and is not sent. It costs the lane nothing of its turn, or one that drops much would send nothing. */
  discard(packetBytes: number): void {
    this.packets--;
    this.bytes -= packetBytes;
  }

  /** The lane with most bytes queued. Only asked when the bound is reached. */
  fattest(): Lane | undefined {
    let fattest: Lane | undefined;
    for (const lane of this.lanes) {
      if (lane !== undefined && lane.bytes > (fattest?.bytes ?? 0)) fattest = lane;
    }
    return fattest;
  }

  #nextList(): LaneList | undefined {
    const hasOrdinary = this.#fresh.head !== undefined || this.#old.head !== undefined;
    const mayBeCritical = !hasOrdinary || this.#criticalTurns < CRITICAL_TURNS;
    if (this.#critical.head !== undefined && mayBeCritical) return this.#critical;
    const hasBackground = this.#background.head !== undefined;
    if (hasBackground && this.#ordinaryTurns >= BACKGROUND_EVERY) return this.#background;
    if (this.#fresh.head !== undefined) return this.#fresh;
    if (this.#old.head !== undefined) return this.#old;
    return this.#background;
  }

  #nextRound(lane: Lane): Exclude<Round, "none"> {
    if (lane.round === "background") this.#ordinaryTurns = 0;
    else this.#ordinaryTurns++;
    this.#criticalTurns = lane.round === "critical" ? this.#criticalTurns + 1 : 0;
    if (lane.isBackground) return "background";
    return lane.isCritical && lane.packets < CRITICAL_PACKETS ? "critical" : "old";
  }

  #join(lane: Lane, round: Exclude<Round, "none">): void {
    lane.round = round;
    switch (round) {
      case "critical":
        this.#critical.push(lane);
        break;
      case "fresh":
        this.#fresh.push(lane);
        break;
      case "old":
        this.#old.push(lane);
        break;
      case "background":
        this.#background.push(lane);
        break;
    }
  }
}

/** So little waits, and so little was sent of late, that nothing is harmed by letting it go first. */
function isUrgent(lane: Lane, now: Micros): boolean {
  return lane.packets > 0 && lane.packets < URGENT_PACKETS && lane.deficitBytes > 0 && lane.isSparse(now);
}

class LaneList {
  head: Lane | undefined = undefined;
  lanes = 0;
  #tail: Lane | undefined = undefined;

  push(lane: Lane): void {
    lane.following = undefined;
    if (this.#tail === undefined) this.head = lane;
    else this.#tail.following = lane;
    this.#tail = lane;
    this.lanes++;
  }

  shift(): void {
    this.head = this.head?.following;
    this.lanes--;
    if (this.head === undefined) this.#tail = undefined;
  }
}

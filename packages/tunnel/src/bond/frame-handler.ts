import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import type { SentSink } from "../path/sent-ledger.ts";
import type { BondEvent, Micros } from "../types.ts";
import {
  AckFrame,
  FRAME_ACK,
  FRAME_PADDING,
  FRAME_PATH_STATUS,
  FRAME_PING,
  PATH_STATUS_FRAME,
  STATUS_STALLED,
} from "../wire/frames.ts";
import type { PathSet } from "./path-set.ts";
import type { ReceiveEvents } from "./receiver.ts";

/** Acts on the frames of authenticated datagrams. */
export class FrameHandler implements ReceiveEvents {
  readonly #pool: PacketPool;
  readonly #paths: PathSet;
  readonly #sink: SentSink;
  readonly #events: BondEvent[];
  readonly #ack = new AckFrame();

  constructor(pool: PacketPool, paths: PathSet, sink: SentSink, events: BondEvent[]) {
    this.#pool = pool;
    this.#paths = paths;
    this.#sink = sink;
    this.#events = events;
  }

  frames(offset: number, limit: number, path: Path, receivedAt: Micros, now: Micros): boolean {
    const { view } = this.#pool.arena;
    let at = offset;
    while (at < limit) {
      switch (view.getUint8(at)) {
        case FRAME_PADDING:
          return true;
        case FRAME_PING:
          path.received.demandAck(now);
          at++;
          break;
        case FRAME_ACK: {
          const length = this.#ack.decode(view, at, limit);
          if (length === 0) return false;
          // What the ack has waited for us is no part of the round trip either.
          this.#ack.delayUs += now - receivedAt;
          this.#onAck(path, now);
          at += length;
          break;
        }
        case FRAME_PATH_STATUS:
          if (at + PATH_STATUS_FRAME.LENGTH > limit) return false;
          if (view.getUint8(at + PATH_STATUS_FRAME.STATUS) === STATUS_STALLED)
            this.#paths.get(view.getUint8(at + PATH_STATUS_FRAME.PATH))?.handlePeerStall(now);
          at += PATH_STATUS_FRAME.LENGTH;
          break;
        default:
          return false;
      }
    }
    return true;
  }

  moved(path: Path, now: Micros): void {
    if (path.hasRemote) this.#events.push({ kind: "path-moved", path: path.id });
    path.hasRemote = true;
    path.life.isPingWanted = !path.life.isSuspended;
    path.pacer.reset(now);
  }

  #onAck(carrier: Path, now: Micros): void {
    const path = this.#paths.get(this.#ack.path);
    if (path === undefined) return;
    for (const other of this.#paths.all) other.received.receipt.onAck(this.#ack);
    if (!path.onAck(this.#ack, carrier, this.#sink, now)) return;
    path.isStatusWanted = false;
    this.#paths.refresh();
    this.#events.push({ kind: "path-up", path: path.id, srttUs: path.rtt.smoothedUs });
  }
}

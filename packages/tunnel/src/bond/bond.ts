import { TunnelError } from "../errors.ts";
import type { PacketPool } from "../packet-pool.ts";
import { Path } from "../path/path.ts";
import { Epochs } from "../session/epochs.ts";
import type {
  Aead,
  BondEvent,
  BondOptions,
  BondPlan,
  BondStats,
  Micros,
  PathId,
  PathOptions,
  PathStats,
  Slot,
} from "../types.ts";
import { ADDRESS_BYTES } from "../types.ts";
import { AckHelp } from "./ack-help.ts";
import { ControlSender } from "./control-sender.ts";
import { Dispatcher } from "./dispatcher.ts";
import { FrameHandler } from "./frame-handler.ts";
import { Inlet } from "./inlet.ts";
import { PathSet } from "./path-set.ts";
import { Receiver } from "./receiver.ts";
import { ReferenceDelays } from "./reference-delays.ts";
import { RepairQueue } from "./repair-queue.ts";
import { Resequencer } from "./resequencer.ts";
import { Sealer, type TransmitRun } from "./sealer.ts";
import { bondStatsOf, pathStatsOf } from "./stats.ts";
import { Transmitter } from "./transmitter.ts";
import { Usage } from "./usage.ts";

const FOREVER = Number.POSITIVE_INFINITY as Micros;
/** Path number 255 is reserved (docs/protocol.md §3). */
const PATH_ID_MAX = 254;
/** A timer this late means that the process was kept from running, and that what it reads next has piled up. */
const STALL_US = 2_000;

/**
 * Many paths, one virtual link. Pure: no socket, clock, timer or randomness; buffers are slots of a {@link PacketPool}.
 *
 * After any input (`handle*`, or a change of keys, paths or plan) drain the outputs in this order: `pollDeliver` until -1, `pollTransmit` until -1,
 * `pollEvent` until undefined; then call `handleTimeout` not later than `pollTimeout()` says. `now` never goes backwards. Datagrams may be sent as
 * soon as keys are installed and a path is open with a remote address. Both ends begin a session with a new bond.
 */
export class Bond {
  readonly #pool: PacketPool;
  readonly #epochs: Epochs;
  readonly #paths = new PathSet();
  readonly #repairs: RepairQueue;
  readonly #dispatcher: Dispatcher;
  readonly #help: AckHelp | undefined;
  readonly #inlet: Inlet;
  readonly #resequencer: Resequencer;
  readonly #sealer: Sealer;
  readonly #control: ControlSender;
  readonly #transmitter: Transmitter;
  readonly #receiver: Receiver;
  readonly #usage: Usage;
  readonly #reference: ReferenceDelays;
  readonly #events: BondEvent[] = [];
  #now = 0.5 as Micros;
  /** What `pollTimeout` said last, or when that was found to be long past. */
  #dueAt = FOREVER;

  constructor(pool: PacketPool, aead: Aead, options: BondOptions) {
    const { localSession, remoteSession, role } = options;
    this.#pool = pool;
    this.#epochs = new Epochs(aead, role === "client");
    this.#repairs = new RepairQueue(pool);
    this.#dispatcher = new Dispatcher(pool, this.#repairs);
    this.#help = (options.helpHosts ?? true) ? new AckHelp(pool, this.#dispatcher) : undefined;
    this.#inlet = new Inlet(pool, this.#dispatcher, this.#help, localSession ^ remoteSession, options.queuePackets);
    this.#resequencer = new Resequencer(pool);
    this.#sealer = new Sealer(pool, aead, this.#epochs, remoteSession, this.#repairs);
    this.#control = new ControlSender(pool, this.#paths, this.#sealer);
    this.#transmitter = new Transmitter(pool, this.#paths, this.#dispatcher, this.#sealer);
    const frames = new FrameHandler(pool, this.#paths, this.#repairs, this.#events);
    const followsAddress = role === "server";
    this.#receiver = new Receiver(
      pool,
      aead,
      this.#epochs,
      this.#paths,
      this.#resequencer,
      frames,
      localSession,
      followsAddress,
    );
    this.#usage = new Usage([this.#inlet, this.#receiver]);
    this.#reference = new ReferenceDelays(this.#paths, this.#dispatcher, this.#resequencer, this.#usage);
  }

  /** What the last successful `pollTransmit` laid down. */
  get run(): TransmitRun {
    return this.#sealer;
  }

  /** Keys of 32 bytes. The client numbers nothing: the epoch comes from the control channel. */
  installKeys(epoch: number, sendKey: Uint8Array, receiveKey: Uint8Array, now: Micros): void {
    this.#epochs.install(epoch, sendKey, receiveKey, now);
  }

  openPath(id: PathId, options: PathOptions, now: Micros): void {
    if (this.#paths.get(id) !== undefined) {
      throw new TunnelError(
        "path-exists",
        `Path ${id} (${options.name}) is open already. Use resumePath after a suspension.`,
      );
    }
    if (!(Number.isInteger(id) && id >= 0 && id <= PATH_ID_MAX)) {
      throw new TunnelError("path-unknown", `Path number ${id} is out of range. Use 0 to ${PATH_ID_MAX}.`);
    }
    const remoteSlot = this.#pool.alloc();
    if (remoteSlot < 0)
      throw new TunnelError("pool-empty", "No packet buffer is left for a new path. Enlarge the pool.");
    this.#paths.add(new Path(id, remoteSlot, this.#pool.packetOffset(remoteSlot), options, now));
    if (options.remote !== undefined) this.setRemote(id, options.remote);
    this.#paths.refresh();
  }

  /** Sets where a path's datagrams go. `record` is opaque, at most ADDRESS_BYTES long. */
  setRemote(id: PathId, record: Uint8Array): void {
    const path = this.#path(id);
    const { bytes } = this.#pool.arena;
    bytes.fill(0, path.remoteOffset, path.remoteOffset + ADDRESS_BYTES);
    bytes.set(record.subarray(0, ADDRESS_BYTES), path.remoteOffset);
    path.hasRemote = true;
  }

  /** The interface refused datagrams of `run.segmentBytes` as too long (EMSGSIZE). What they carried goes out again in shorter ones. */
  handleRefused(id: PathId, datagramBytes: number, now: Micros): void {
    this.#path(id).mtu.onRefused(datagramBytes, this.#repairs, now);
  }

  /** The link is lost: everything in flight on it goes out again over the other paths, at once. */
  suspendPath(id: PathId, now: Micros): void {
    const path = this.#path(id);
    const { inFlightBytes } = path.sent;
    path.life.suspend(this.#repairs, now);
    this.#leave(inFlightBytes, now);
  }

  /** The link is back, perhaps with another address, rate and round trip. Packet numbers go on. */
  resumePath(id: PathId, options: PathOptions, now: Micros): void {
    this.#path(id).resume(options, now);
    if (options.remote !== undefined) this.setRemote(id, options.remote);
    this.#paths.refresh();
  }

  /** Paths that the plan does not name keep what they had. */
  applyPlan(plan: BondPlan, _now: Micros): void {
    this.#dispatcher.use(plan.algorithm, plan.copies);
    this.#transmitter.fec.isEnabled = plan.fec ?? true;
    for (const path of this.#paths.all) {
      const pathPlan = plan.paths.get(path.id);
      if (pathPlan !== undefined) path.applyPlan(pathPlan);
    }
    this.#paths.refresh();
  }

  /** Takes over the slot, whose `length`, `flags` and bytes the caller has filled with an inner packet. */
  handleInner(slot: Slot, now: Micros): void {
    this.#now = now;
    this.#inlet.accept(slot, now);
  }

  /** Takes a datagram from the arena; the bytes may be reused afterwards. Returns 0, or the index of the drop reason plus one. Never throws. */
  handleDatagram(offset: number, length: number, addressOffset: number, receivedAt: Micros, now: Micros): number {
    if (now - this.#dueAt > STALL_US) this.#noteStall(now);
    this.#now = now;
    return this.#receiver.handle(offset, length, addressOffset, receivedAt, now);
  }

  handleTimeout(now: Micros): void {
    this.#now = now;
    const isBusy = this.#usage.isBusy(now);
    for (const path of this.#paths.all) {
      path.detectLoss(this.#repairs, now);
      this.#judge(path, now);
      if (path.life.probeAt(isBusy, this.#usage.probeEveryUs) <= now) {
        path.life.isPingWanted = true;
        if (!path.isUp) path.liveness.onRetry();
      }
    }
    this.#resequencer.handleTimeout(now);
    if (this.#epochs.isRekeyDue(now)) this.#events.push({ kind: "rekey-due", epoch: this.#epochs.sendEpoch });
  }

  /** The next inner packet for the TUN device, in order, or -1. The caller frees the slot. */
  pollDeliver(now: Micros): Slot {
    const help = this.#help;
    if (help === undefined) return this.#resequencer.poll();
    let slot = help.poll(now);
    while (slot < 0) {
      slot = this.#resequencer.poll();
      if (slot < 0) return slot;
      if (help.hold(slot, now)) slot = help.poll(now);
    }
    help.handOver(slot, now);
    return slot;
  }

  /** Seals the next run of datagrams, see `run`. Returns its path, or -1 when nothing may leave now. */
  pollTransmit(now: Micros): PathId | -1 {
    this.#now = now;
    if (this.#epochs.sendEpoch < 0) return -1;
    const controlPath = this.#control.poll(now);
    if (controlPath >= 0) return controlPath;
    const path = this.#transmitter.poll(now);
    if (path < 0) this.#reference.refresh(now);
    return path;
  }

  pollEvent(): BondEvent | undefined {
    return this.#events.shift();
  }

  /** When `handleTimeout` and the polls have to be called at the latest, if nothing else happens. */
  pollTimeout(): Micros {
    if (this.#epochs.sendEpoch < 0) return FOREVER;
    this.#dueAt = this.#nextTimeout();
    return this.#dueAt;
  }

  #nextTimeout(): Micros {
    let at = Math.min(this.#control.timeoutAt(), this.#transmitter.timeoutAt(this.#now));
    const isBusy = this.#usage.isBusy(this.#now);
    const { probeEveryUs } = this.#usage;
    for (const path of this.#paths.all) {
      at = Math.min(at, path.loss.deadline, path.life.silenceAt(), path.forgetAt());
      // A rate that has risen may find a probe long due; that is no timer that fired late.
      at = Math.min(at, Math.max(this.#now, path.life.probeAt(isBusy, probeEveryUs)));
      at = Math.min(at, path.life.trainAt(), path.life.mtuProbeAt());
    }
    if (this.#help !== undefined) at = Math.min(at, this.#help.timeoutAt());
    return Math.min(at, this.#resequencer.timeoutAt(), this.#epochs.rekeyAt()) as Micros;
  }

  pathIds(): PathId[] {
    return this.#paths.ids();
  }

  pathStats(id: PathId): PathStats {
    return pathStatsOf(this.#path(id));
  }

  stats(): BondStats {
    return bondStatsOf(this.#inlet, this.#dispatcher, this.#transmitter, this.#receiver, this.#resequencer);
  }

  /** Frees all slots and keys. The bond must not be used any more. */
  close(): void {
    for (const path of this.#paths.all) {
      path.sent.clear(this.#repairs);
      this.#pool.free(path.remoteSlot);
    }
    this.#paths.clear();
    this.#transmitter.clear();
    this.#dispatcher.clear();
    this.#help?.clear();
    this.#resequencer.clear();
    this.#epochs.close();
  }

  #path(id: PathId): Path {
    const path = this.#paths.get(id);
    if (path === undefined) throw new TunnelError("path-unknown", `Path ${id} is not open. Call openPath first.`);
    return path;
  }

  #noteStall(now: Micros): void {
    this.#resequencer.noteStall(this.#now, now);
    this.#dueAt = now;
  }

  #judge(path: Path, now: Micros): void {
    const { inFlightBytes } = path.sent;
    if (path.life.judgeSilence(this.#repairs, now) !== "stalled") return;
    path.isStatusWanted = true;
    this.#leave(inFlightBytes, now);
    this.#events.push({ kind: "path-stalled", path: path.id, inFlightBytes });
  }

  #leave(inFlightBytes: number, now: Micros): void {
    this.#paths.refresh();
    this.#dispatcher.management.handlePathLoss(inFlightBytes, now);
  }
}

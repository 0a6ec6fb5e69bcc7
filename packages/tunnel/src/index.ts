/**
 * The bonding protocol: many UDP paths as one virtual link. Sans I/O; see {@link Bond} for the life-cycle and docs/protocol.md for
 * the wire. It is not a VPN by itself: sockets, TUN devices, clocks and the control channel belong to the caller.
 */
export { Arena } from "./arena.ts";
export { Bond } from "./bond/bond.ts";
export type { TransmitRun } from "./bond/sealer.ts";
export { TunnelError, type TunnelErrorCode } from "./errors.ts";
export { PacketPool, type PacketPoolOptions, SLOT_CHECKSUM_PARTIAL } from "./packet-pool.ts";
export { DATAGRAM_MIN_BYTES } from "./path/path.ts";
export { SessionTable } from "./session/session-table.ts";
export {
  ADDRESS_BYTES,
  type Aead,
  type Algorithm,
  type BondEvent,
  type BondOptions,
  type BondPlan,
  type BondPolicy,
  type BondStats,
  type Brand,
  DROP_REASONS,
  type DropReason,
  type KeyHandle,
  type LinkRole,
  type Micros,
  type PathId,
  type PathOptions,
  type PathPlan,
  type PathState,
  type PathStats,
  type Slot,
  type TrafficClass,
} from "./types.ts";
export { DATA_HEADER, SEAL_BYTES, TAG_BYTES } from "./wire/data-header.ts";
export { LANE_HEADER } from "./wire/lane-header.ts";

/** What the main thread and the forwarding loop say to each other. Structured-clone data only. */

import type { CipherName } from "@edgebos/linux-io";
import type { BondEvent, BondPlan, BondStats, PathStats } from "@edgebos/tunnel";

/** Start-up settings of the loop: the first message to its thread, ahead of all commands. */
export interface LoopSettings {
  readonly role: "client" | "server";
  /** Name of the TUN device. */
  readonly device: string;
  /** UDP port to listen on; 0 on clients, whose sockets belong to links. */
  readonly port: number;
  /** Shared counters, see `counters.ts`. */
  readonly counters: SharedArrayBuffer;
}

/** How a client's path leaves the machine. */
export interface LinkSocket {
  readonly path: number;
  readonly name: string;
  readonly device: string;
  /** A device of the same name with another index is another device. */
  readonly ifindex: number;
  /** Source address. */
  readonly address: string;
  readonly serverAddress: string;
  readonly serverPort: number;
  readonly maxDatagramBytes: number;
}

export type Command =
  | {
      /** Replaces a session of the same number; on a client, any session. */
      readonly kind: "open-session";
      /** Our receive session number: names the session in all that follows. */
      readonly session: number;
      readonly remoteSession: number;
      readonly cipher: CipherName;
      /** Server: the client's host number in the pools, which routes packets to it, and its addresses (4 and 16 bytes). */
      readonly host: number;
      readonly innerV4: Uint8Array;
      readonly innerV6: Uint8Array;
    }
  | { readonly kind: "close-session"; readonly session: number }
  | {
      readonly kind: "install-keys";
      readonly session: number;
      readonly epoch: number;
      readonly sendKey: Uint8Array;
      readonly receiveKey: Uint8Array;
    }
  /** Server: the client announced a path. */
  | {
      readonly kind: "open-path";
      readonly session: number;
      readonly path: number;
      readonly name: string;
      readonly maxDatagramBytes: number;
      readonly headerBytes: number;
    }
  /** Server: the client withdrew a path. */
  | { readonly kind: "suspend-path"; readonly session: number; readonly path: number }
  | { readonly kind: "apply-plan"; readonly session: number; readonly plan: BondPlan }
  /** Client: a link can be used, or is to be used from another address. Holds for this session and those that follow. */
  | { readonly kind: "set-link"; readonly link: LinkSocket }
  | { readonly kind: "drop-link"; readonly path: number }
  | { readonly kind: "stop"; readonly removeDevice: boolean };

/** One path as the loop sees it. */
export interface PathSnapshot extends PathStats {
  /** Remote address as text; empty where none is known. */
  readonly remote: string;
}

export interface SessionSnapshot {
  readonly session: number;
  readonly stats: BondStats;
  readonly paths: readonly PathSnapshot[];
}

export type LoopMessage =
  | {
      readonly kind: "ready";
      readonly device: string;
      readonly port: number;
      /** eventfd that ends the loop's wait: to be written after each command. */
      readonly wakeFd: number;
      /** What the kernel can do, for the log. */
      readonly offloads: Readonly<Record<string, boolean>>;
    }
  | { readonly kind: "event"; readonly session: number; readonly event: BondEvent }
  /** Client: the loop stopped using a link by itself, or took it up again. */
  | { readonly kind: "link-lost"; readonly path: number; readonly reason: string }
  | { readonly kind: "link-back"; readonly path: number }
  | { readonly kind: "snapshot"; readonly sessions: readonly SessionSnapshot[] }
  | { readonly kind: "notice"; readonly code: string; readonly text: string }
  | { readonly kind: "stopped" };

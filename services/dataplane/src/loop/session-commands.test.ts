import assert from "node:assert/strict";
import { test } from "node:test";
import { createAead, memoryOf } from "@edgebos/linux-io";
import { Arena, Bond, type Micros, PacketPool, type PathId } from "@edgebos/tunnel";
import { runBondCommand } from "./session-commands.ts";

test("a path counts the headers of its own IP version, also after a suspension", () => {
  const bond = emptyBond();
  const announce = (path: number, headerBytes: number): void => {
    const common = { session: 1, path, name: `link${path}`, maxDatagramBytes: 1452 };
    runBondCommand(bond, { kind: "open-path", ...common, headerBytes }, NOW);
  };
  const excessBytes = () => bond.pathStats(1 as PathId).mtuBytes - bond.pathStats(0 as PathId).mtuBytes;
  announce(0, 28);
  announce(1, 48);
  assert.equal(excessBytes(), 20);
  runBondCommand(bond, { kind: "suspend-path", session: 1, path: 1 }, NOW);
  announce(1, 28);
  assert.equal(excessBytes(), 0);
});

const NOW = 1_000_000 as Micros;

function emptyBond(): Bond {
  const arena = new Arena(1024 * 1024);
  const pool = new PacketPool(arena, { slots: 64 });
  const aead = createAead(memoryOf(arena.bytes.buffer as ArrayBuffer), "aes-256-gcm");
  return new Bond(pool, aead, { localSession: 1, remoteSession: 2, role: "server", seed: 1 });
}

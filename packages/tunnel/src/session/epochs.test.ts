import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import type { Aead, KeyHandle } from "../types.ts";
import { Epochs } from "./epochs.ts";

const KEY = new Uint8Array(32);

test("a client sends with new keys at once, a server when the client has shown that it has them", () => {
  const { aead } = countingAead();
  const client = new Epochs(aead, true);
  const server = new Epochs(aead, false);
  for (const epochs of [client, server]) {
    epochs.install(1, KEY, KEY, micros(0));
    epochs.install(2, KEY, KEY, micros(10));
  }
  assert.equal(client.sendEpoch, 2);
  assert.equal(server.sendEpoch, 1);
  server.confirm(2, micros(20));
  assert.equal(server.sendEpoch, 2);
  server.confirm(1, micros(30));
  assert.equal(server.sendEpoch, 2, "a late packet of the old epoch changes nothing");
});

test("the current and the previous epoch are received, older keys are dropped", () => {
  const { aead, live } = countingAead();
  const epochs = new Epochs(aead, true);
  for (let epoch = 1; epoch <= 6; epoch++) epochs.install(epoch, KEY, KEY, micros(epoch));
  assert.ok(epochs.receiveKey(6 & 3) >= 0);
  assert.ok(epochs.receiveKey(5 & 3) >= 0);
  assert.equal(epochs.receiveKey(4 & 3), -1);
  assert.equal(live.size, 4);
  epochs.close();
  assert.equal(live.size, 0);
});

test("a new key is asked for once, after an hour or 2^36 packets", () => {
  const { aead } = countingAead();
  const epochs = new Epochs(aead, true);
  assert.equal(epochs.isRekeyDue(micros(1e12)), false);
  epochs.install(1, KEY, KEY, micros(0));
  assert.equal(epochs.rekeyAt(), 3_600e6);
  assert.equal(epochs.isRekeyDue(micros(3_599e6)), false);
  assert.equal(epochs.isRekeyDue(micros(3_600e6)), true);
  assert.equal(epochs.isRekeyDue(micros(3_600e6)), false);
  epochs.install(2, KEY, KEY, micros(3_601e6));
  epochs.countSealed(2 ** 36);
  assert.equal(epochs.isRekeyDue(micros(3_602e6)), true);
});

function countingAead(): { aead: Aead; live: Set<number> } {
  const live = new Set<number>();
  let next = 0;
  const aead: Aead = {
    importKey: () => {
      live.add(next);
      return next++ as KeyHandle;
    },
    dropKey: (key) => live.delete(key),
    seal: () => 0,
    open: () => -1,
  };
  return { aead, live };
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { monotonicUs } from "./clock.ts";
import { createEventFd, createPoller, wakeEventFd } from "./poller.ts";

test("a poller tells which descriptor is readable, and forgets a removed one", () => {
  const poller = createPoller();
  const [first, second] = [createEventFd(), createEventFd()];
  const [firstIndex, secondIndex] = [poller.add(first.fd), poller.add(second.fd)];
  assert.equal(poller.wait(0), 0);
  wakeEventFd(second.fd);
  assert.equal(poller.wait(1e6), 1);
  assert.equal(poller.readable(firstIndex), false);
  assert.equal(poller.readable(secondIndex), true);
  second.clear();
  assert.equal(poller.wait(0), 0);
  wakeEventFd(first.fd);
  poller.remove(first.fd);
  assert.equal(poller.wait(0), 0);
  assert.equal(poller.add(first.fd), firstIndex, "the freed index is used again");
  assert.equal(poller.wait(0), 1);
  first.close();
  second.close();
});

test("room to write ends the wait only while it is asked for", () => {
  const poller = createPoller();
  const event = createEventFd();
  const index = poller.add(event.fd, true);
  assert.equal(poller.wait(0), 1);
  assert.equal(poller.writable(index), true);
  assert.equal(poller.readable(index), false);
  poller.setWantWrite(index, false);
  assert.equal(poller.wait(0), 0);
  event.close();
});

test("a wait with nothing to report takes its time-out, also below a millisecond and above a second's fraction", () => {
  const poller = createPoller();
  for (const timeoutUs of [300.5, 2_000]) {
    const start = monotonicUs();
    assert.equal(poller.wait(timeoutUs), 0);
    assert.ok(monotonicUs() - start >= timeoutUs);
  }
});

test("a worker thread that blocks in ppoll is woken by another thread through an eventfd", async () => {
  const event = createEventFd();
  const started = createEventFd();
  const worker = new Worker(WORKER_SOURCE, {
    eval: true,
    workerData: { url: import.meta.resolve("./poller.ts"), fd: event.fd, startedFd: started.fd },
  });
  const poller = createPoller();
  poller.add(started.fd);
  await waitUntil(() => poller.wait(0) === 1);
  wakeEventFd(event.fd);
  const [answer] = await once(worker, "message");
  assert.deepEqual(answer, { ready: 1, readable: true });
  await worker.terminate();
  event.close();
  started.close();
});

const WORKER_SOURCE = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData.url).then(({ createPoller, wakeEventFd }) => {
    const poller = createPoller();
    const index = poller.add(workerData.fd);
    wakeEventFd(workerData.startedFd);
    const ready = poller.wait(-1);
    parentPort.postMessage({ ready, readable: poller.readable(index) });
  });
`;

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

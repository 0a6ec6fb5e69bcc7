import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { internal } from "@edgebos/proto";
import { openBus } from "./nats-bus.ts";
import { PrivateNats, until } from "./private-nats.ts";
import type { Bus } from "./types.ts";

const Document = internal.ConfigurationDocument;
const document = (yaml: string) => Document.create({ yaml, revision: "r" });
const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe("the bus", { skip: PrivateNats.missing }, () => {
  let nats: PrivateNats;
  const open: Bus[] = [];
  before(async () => {
    nats = await PrivateNats.start();
  });
  after(async () => {
    await Promise.all(open.map((bus) => bus.close()));
    await nats.remove();
  });
  const connect = (token: () => string | undefined = () => nats.token) => {
    const bus = openBus({ name: "test", url: nats.url, token, log: silent });
    open.push(bus);
    return bus;
  };

  test("a message reaches a subscriber with its subject", async () => {
    const [sender, receiver] = [connect(), connect()];
    const heard: string[] = [];
    receiver.subscribe("edgebos.n.event.*", Document, (message, subject) => heard.push(`${subject} ${message.yaml}`));
    await until(() => sender.connected && receiver.connected);
    await until(() => {
      sender.publish("edgebos.n.event.api", Document, document("a"));
      return heard.length > 0;
    });
    assert.equal(heard[0], "edgebos.n.event.api a");
  });

  test("a watcher hears present values, changes and deletions", async () => {
    const [writer, watcher] = [connect(), connect()];
    writer.put("edgebos-t1", "old", Document, document("1"));
    writer.put("edgebos-t1", "old", Document, document("2"));
    const seen = watchAll(watcher, "edgebos-t1");
    await until(() => seen.values.get("old") === "2");
    writer.put("edgebos-t1", "new", Document, document("3"));
    await until(() => seen.values.get("new") === "3");
    writer.delete("edgebos-t1", "old");
    await until(() => !seen.values.has("old"));
    assert.deepEqual([...seen.values], [["new", "3"]]);
  });

  test("values come back after the server was killed and came back empty, and no deletion is reported", async () => {
    const [writer, watcher] = [connect(), connect()];
    const heard: string[] = [];
    writer.put("edgebos-t2", "a", Document, document("1"));
    const seen = watchAll(watcher, "edgebos-t2");
    watcher.subscribe("edgebos.t2", Document, (message) => heard.push(message.yaml));
    await until(() => seen.values.get("a") === "1");

    await nats.kill();
    await until(() => !writer.connected && !watcher.connected);
    const dropped = writer.stats().dropped;
    writer.publish("edgebos.t2", Document, document("lost"));
    writer.put("edgebos-t2", "a", Document, document("2"));
    writer.put("edgebos-t2", "b", Document, document("3"));
    await nats.startAgain();

    await until(() => seen.values.get("a") === "2" && seen.values.get("b") === "3");
    const late = watchAll(connect(), "edgebos-t2");
    await until(() => late.values.get("a") === "2" && late.values.get("b") === "3");
    await until(() => {
      writer.publish("edgebos.t2", Document, document("heard"));
      return heard.length > 0;
    });
    assert.equal(heard[0], "heard");
    assert.equal(writer.stats().dropped, dropped + 1);
    assert.equal(seen.deletions, 0);
  });

  test("a deletion made while the server was away is reported when it is back", async () => {
    const [writer, watcher] = [connect(), connect()];
    writer.put("edgebos-t3", "a", Document, document("1"));
    const seen = watchAll(watcher, "edgebos-t3");
    await until(() => seen.values.has("a"));
    await nats.kill();
    await until(() => !writer.connected);
    writer.delete("edgebos-t3", "a");
    await nats.startAgain();
    await until(() => seen.deletions === 1);
    assert.equal(seen.values.size, 0);
  });

  test("a token that is wrong at first is read again for each attempt", async () => {
    let token: string | undefined = "wrong";
    let asked = 0;
    const bus = connect(() => {
      asked++;
      return token;
    });
    await until(() => asked >= 2);
    assert.equal(bus.connected, false);
    token = nats.token;
    await until(() => bus.connected);
  });

  test("bytes that are no message and a handler that throws are counted and harm nobody", async () => {
    const [sender, receiver] = [connect(), connect()];
    const heard: string[] = [];
    receiver.subscribe("edgebos.t4", Document, (message) => {
      if (message.yaml === "throw") throw new Error("on purpose");
      heard.push(message.yaml);
    });
    await until(() => sender.connected && receiver.connected);
    const raw = { encode: () => ({ finish: () => new Uint8Array([0x0f, 0xff, 0xff]) }) };
    await until(() => {
      sender.publish("edgebos.t4", Document, document("throw"));
      sender.publish("edgebos.t4", raw, undefined);
      sender.publish("edgebos.t4", Document, document("fine"));
      return heard.includes("fine");
    });
    assert.ok(receiver.stats().failed >= 2);
    assert.equal(receiver.connected, true);
  });

  test("ending a subscription or a watch ends its messages", async () => {
    const bus = connect();
    const heard: string[] = [];
    const endSubscription = bus.subscribe("edgebos.t5", Document, (message) => heard.push(message.yaml));
    const seen = watchAll(bus, "edgebos-t5");
    bus.put("edgebos-t5", "a", Document, document("1"));
    await until(() => seen.values.has("a"));
    endSubscription();
    seen.end();
    bus.put("edgebos-t5", "b", Document, document("1"));
    bus.publish("edgebos.t5", Document, document("unheard"));
    const other = watchAll(bus, "edgebos-t5");
    await until(() => other.values.has("b"));
    assert.deepEqual([heard, [...seen.values.keys()]], [[], ["a"]]);
  });

  test("without a server nothing throws, and closing is quick", async () => {
    const bus = openBus({ name: "alone", url: "nats://127.0.0.1:9", token: () => undefined, log: silent });
    bus.put("edgebos-t6", "a", Document, document("1"));
    bus.publish("edgebos.t6", Document, document("1"));
    bus.watch("edgebos-t6", Document, () => assert.fail("nothing can be there"));
    assert.deepEqual([bus.connected, bus.stats().dropped], [false, 1]);
    await bus.close();
  });
});

function watchAll(bus: Bus, bucket: string) {
  const values = new Map<string, string>();
  const seen = {
    values,
    deletions: 0,
    end: bus.watch(bucket, Document, (key, value) => {
      if (value !== undefined) values.set(key, value.yaml);
      else if (values.delete(key)) seen.deletions++;
      else assert.fail(`${key} was deleted but never known`);
    }),
  };
  return seen;
}

import { setTimeout as delay } from "node:timers/promises";
import { jetstream, StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { DesiredBucket } from "./desired.ts";
import type { Bus, BusStats, Decoder, Encoder } from "./types.ts";
import { type Watch, watchBucket } from "./watch.ts";

export interface BusOptions {
  /** Name of the connection, as nats-server shows it. */
  readonly name: string;
  /** `nats://host:port` */
  readonly url: string;
  /** Asked for before each attempt to connect; undefined = no token. */
  readonly token: () => string | undefined;
  readonly log: {
    debug(fields: object, text: string): void;
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
    error(fields: object, text: string): void;
  };
}

/** Pause between two attempts to connect, milliseconds: the server is on this machine, and is usually back within a second. */
const RECONNECT_MS = 150;
const CONNECT_TIMEOUT_MS = 2000;
const PING_INTERVAL_MS = 10_000;
/** How long `close` waits for values that are not written yet, milliseconds. */
const CLOSE_PATIENCE_MS = 1000;

interface Subscriber {
  readonly subject: string;
  readonly deliver: (message: Msg) => void;
  end: (() => void) | undefined;
}

/** Starts connecting and returns at once. */
export function openBus(options: BusOptions): Bus {
  return new NatsBus(options);
}

/**
 * Each connection is used until it breaks and is then replaced as a whole, with all subscriptions, buckets and watches made
 * anew: what the client library would keep over a reconnect belongs to a server that may have come back empty.
 */
class NatsBus implements Bus {
  readonly #options: BusOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #watches = new Set<Watch>();
  readonly #desired = new Map<string, DesiredBucket>();
  readonly #listeners: ((connected: boolean) => void)[] = [];
  readonly #closing = new AbortController();
  #connection: NatsConnection | undefined;
  #buckets = new Map<string, Promise<KV>>();
  #counts = { dropped: 0, published: 0, received: 0, failed: 0, reconnects: 0 };
  readonly #running: Promise<void>;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  publish<T>(subject: string, codec: Encoder<T>, message: T): void {
    try {
      if (this.#connection === undefined) {
        this.#counts.dropped++;
        return;
      }
      this.#connection.publish(subject, codec.encode(message).finish());
      this.#counts.published++;
    } catch (error) {
      this.#fail("cannot publish", { subject, error });
    }
  }

  subscribe<T>(subject: string, codec: Decoder<T>, handler: (message: T, subject: string) => void): () => void {
    const deliver = (message: Msg) =>
      this.#guard({ subject: message.subject }, () => handler(codec.decode(message.data), message.subject));
    const subscriber: Subscriber = { subject, deliver, end: undefined };
    this.#subscribers.add(subscriber);
    if (this.#connection !== undefined) attachSubscriber(this.#connection, subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
      subscriber.end?.();
    };
  }

  put<T>(bucket: string, key: string, codec: Encoder<T>, message: T): void {
    try {
      this.#desiredIn(bucket).set(key, codec.encode(message).finish());
    } catch (error) {
      this.#fail("cannot encode", { bucket, key, error });
    }
  }

  delete(bucket: string, key: string): void {
    this.#desiredIn(bucket).set(key, undefined);
  }

  watch<T>(bucket: string, codec: Decoder<T>, handler: (key: string, value: T | undefined) => void): () => void {
    const watch: Watch = {
      bucket,
      known: new Set(),
      deliver: (key, bytes) =>
        this.#guard({ bucket, key }, () => handler(key, bytes === undefined ? undefined : codec.decode(bytes))),
      end: undefined,
    };
    this.#watches.add(watch);
    if (this.#connection !== undefined) this.#attachWatch(this.#connection, watch);
    return () => {
      this.#watches.delete(watch);
      watch.end?.();
    };
  }

  onStateChange(listener: (connected: boolean) => void): void {
    this.#listeners.push(listener);
  }

  stats(): BusStats {
    return { connected: this.connected, ...this.#counts };
  }

  async close(): Promise<void> {
    const deadline = Date.now() + CLOSE_PATIENCE_MS;
    while (![...this.#desired.values()].every((bucket) => bucket.settled) && Date.now() < deadline) await delay(10);
    const connection = this.#connection;
    this.#closing.abort();
    await Promise.race([connection?.drain().catch(() => {}), delay(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
    await connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let lastComplaint = "";
    while (!signal.aborted) {
      try {
        const connection = await this.#connect();
        lastComplaint = "";
        await this.#use(connection);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (text !== lastComplaint)
          this.#options.log.debug({ err: text }, "no connection to the bus yet, still trying");
        lastComplaint = text;
      }
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  }

  #connect(): Promise<NatsConnection> {
    const token = this.#options.token();
    return connect({
      servers: this.#options.url,
      name: this.#options.name,
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      ...(token === undefined ? {} : { token }),
    });
  }

  /** Works with a connection until it is closed. */
  async #use(connection: NatsConnection): Promise<void> {
    if (this.#closing.signal.aborted) return connection.close();
    this.#connection = connection;
    this.#options.log.info({ server: connection.getServer() }, "bus connected");
    for (const subscriber of this.#subscribers) attachSubscriber(connection, subscriber);
    for (const [bucket, desired] of this.#desired) this.#attachDesired(connection, bucket, desired);
    for (const watch of this.#watches) this.#attachWatch(connection, watch);
    this.#tell(true);
    await connection.closed();
    this.#connection = undefined;
    this.#buckets = new Map();
    for (const desired of this.#desired.values()) desired.detach();
    if (!this.#closing.signal.aborted) {
      this.#counts.reconnects++;
      this.#options.log.warn({}, "bus lost: working on with what is known, and trying to reconnect");
    }
    this.#tell(false);
  }

  #desiredIn(bucket: string): DesiredBucket {
    let desired = this.#desired.get(bucket);
    if (desired === undefined) {
      desired = new DesiredBucket();
      this.#desired.set(bucket, desired);
      if (this.#connection !== undefined) this.#attachDesired(this.#connection, bucket, desired);
    }
    return desired;
  }

  #attachDesired(connection: NatsConnection, bucket: string, desired: DesiredBucket): void {
    this.#bucket(connection, bucket).then(
      (kv) => this.#connection === connection && desired.attach(kv),
      (error) => this.#startOver(connection, { bucket, err: error }),
    );
  }

  #attachWatch(connection: NatsConnection, watch: Watch): void {
    this.#bucket(connection, watch.bucket)
      .then((kv) => watchBucket(kv, watch, () => this.#watches.has(watch) && this.#connection === connection))
      .then(
        () => this.#watches.has(watch) && this.#startOver(connection, { bucket: watch.bucket }),
        (error) => this.#startOver(connection, { bucket: watch.bucket, err: error }),
      );
  }

  #bucket(connection: NatsConnection, name: string): Promise<KV> {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = new Kvm(jetstream(connection)).create(name, { history: 1, storage: StorageType.Memory });
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  /** A bucket does not do what it should: the connection is replaced, and everything is tried again. */
  #startOver(connection: NatsConnection, fields: object): void {
    if (this.#connection !== connection || connection.isClosed() || this.#closing.signal.aborted) return;
    this.#options.log.debug(fields, "a bucket failed, connecting again");
    connection.close().catch(() => {});
  }

  #tell(connected: boolean): void {
    for (const listener of this.#listeners) this.#guard({ connected }, () => listener(connected), false);
  }

  #guard(fields: object, action: () => void, counts = true): void {
    try {
      if (counts) this.#counts.received++;
      action();
    } catch (error) {
      this.#fail("a handler failed", { ...fields, err: error });
    }
  }

  #fail(text: string, fields: object): void {
    this.#counts.failed++;
    this.#options.log.error(fields, `bus: ${text}`);
  }
}

function attachSubscriber(connection: NatsConnection, subscriber: Subscriber): void {
  const subscription = connection.subscribe(subscriber.subject, {
    callback: (error, message) => {
      if (error === null) subscriber.deliver(message);
    },
  });
  subscriber.end = () => {
    if (!connection.isClosed()) subscription.unsubscribe();
  };
}

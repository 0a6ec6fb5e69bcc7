/** What `encode` of a generated message gives back. */
export interface Encoder<T> {
  encode(message: T): { finish(): Uint8Array };
}

export interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

/** Counters and state of the bus, for metrics and health. */
export interface BusStats {
  readonly connected: boolean;
  /** Messages that were published while there was no connection. */
  readonly dropped: number;
  readonly published: number;
  readonly received: number;
  /** Messages that could not be decoded, or whose handler threw. */
  readonly failed: number;
  readonly reconnects: number;
}

/**
 * NATS as the services use it. It reconnects for ever and never throws into its caller: a service starts and works although
 * NATS is down. Two kinds of message:
 *
 * - *subjects* carry what happens. Nobody keeps them; they are dropped while there is no connection.
 * - *buckets* (JetStream KV, in memory) carry what is so. The writer remembers the latest value of each of its keys and writes
 *   it as soon as the bus is there, and again after each reconnect, since the server may have come back empty. Watchers
 *   keep what they know meanwhile: that NATS is gone is never reported as a deletion.
 */
export interface Bus {
  readonly connected: boolean;
  publish<T>(subject: string, codec: Encoder<T>, message: T): void;
  /** Returns the function that ends the subscription. */
  subscribe<T>(subject: string, codec: Decoder<T>, handler: (message: T, subject: string) => void): () => void;
  put<T>(bucket: string, key: string, codec: Encoder<T>, message: T): void;
  delete(bucket: string, key: string): void;
  /** Present values first, then changes; `undefined` stands for a deleted key. Returns the function that ends the watch. */
  watch<T>(bucket: string, codec: Decoder<T>, handler: (key: string, value: T | undefined) => void): () => void;
  onStateChange(listener: (connected: boolean) => void): void;
  stats(): BusStats;
  /** Writes what is still to be written, for at most a second, and closes. */
  close(): Promise<void>;
}

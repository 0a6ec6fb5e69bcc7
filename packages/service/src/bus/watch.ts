import type { KV } from "@nats-io/kv";

/** Somebody's interest in all keys of a bucket. Lives longer than a connection. */
export interface Watch {
  readonly bucket: string;
  /** Keys whose present value the handler has been told. */
  readonly known: Set<string>;
  readonly deliver: (key: string, bytes: Uint8Array | undefined) => void;
  end: (() => void) | undefined;
}

/**
 * Delivers the present values and then each change until the connection breaks or `watch.end` is called. A deletion is
 * delivered only for a key that has been delivered before.
 */
export async function watchBucket(kv: KV, watch: Watch, wanted: () => boolean): Promise<void> {
  const entries = await kv.watch();
  watch.end = () => entries.stop();
  if (!wanted()) return entries.stop();
  for await (const entry of entries) {
    if (!wanted()) return;
    if (entry.operation === "PUT") {
      watch.known.add(entry.key);
      watch.deliver(entry.key, entry.value);
    } else if (watch.known.delete(entry.key)) {
      watch.deliver(entry.key, undefined);
    }
  }
}

/**
 * Prints each Link that appears on the bus as one line of JSON, with the time at which it was heard: `{at, name,
 * link}`, without `link` for a deleted one. Usage: print-links.ts NATS_URL TOKEN
 */
import { BUCKETS, link } from "@edgebos/proto";
import { openBus } from "@edgebos/service";

const [url = "", token = ""] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const bus = openBus({ name: "print-links", url, token: () => token, log: silent });
bus.watch(BUCKETS.links, link.Link, (name, value) => {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), name, link: value && link.Link.toJSON(value) })}\n`);
});

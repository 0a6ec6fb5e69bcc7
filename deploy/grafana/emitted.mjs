// Reads the dashboard from standard input, asks the services of a client on this host for their metrics, and fails if a
// query names one that none of them knows. A metric without samples at the moment still has its HELP line.
import { text } from "node:stream/consumers";

const ports = [9080, 9101, 9102, 9103];
const texts = await Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()));
const known = new Set([...texts.join("\n").matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name));
const asked = new Set((await text(process.stdin)).match(/\b(edgebos|process)_[a-z0-9_]+/g));
const missing = [...asked].filter((name) => !known.has(name.replace(/_(bucket|sum|count)$/, "")));
if (missing.length > 0) throw new Error(`no service emits ${missing.join(", ")}`);
console.log(`all ${asked.size} metrics are emitted`);

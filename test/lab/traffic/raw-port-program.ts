/**
 * `raw-port-program.ts <device> <collect|echo> <address/prefix…>`: a TUN device in the namespace in which it runs, behind which this program
 * plays a host. Each line of hexadecimal digits on standard input is a packet that the host sends; each packet for the host is such a
 * line on standard output. `echo` also sends each packet back to where it came from. Says "ready" when the device is up.
 */
import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { memoryOf, openTun, type Tun } from "@edgebos/linux-io";
import { isUnicast, reversed } from "./ip-packets.ts";

const CAPACITY_BYTES = 65_536;
const IDLE_WAIT_MS = 2;

const [, , device, mode, ...addresses] = process.argv;
const memory = memoryOf(new ArrayBuffer(2 * CAPACITY_BYTES));
const tun = openTun(memory, { name: device!, mode: "tun", offload: false });
for (const address of addresses) {
  execFileSync("ip", ["address", "add", address, "dev", device!, ...(address.includes(":") ? ["nodad"] : [])]);
}
execFileSync("ip", ["link", "set", device!, "up"]);
createInterface({ input: process.stdin }).on("line", (line) => send(tun, Buffer.from(line, "hex")));
console.log("ready");
for (;;) {
  const count = tun.read(0, CAPACITY_BYTES);
  if (count > 0) receive(Buffer.from(memory.bytes.subarray(0, count)));
  else await delay(IDLE_WAIT_MS);
}

function receive(packet: Buffer): void {
  if (!isUnicast(packet)) return;
  console.log(packet.toString("hex"));
  if (mode === "echo") send(tun, reversed(packet));
}

function send(port: Tun, packet: Uint8Array): void {
  memory.bytes.set(packet, CAPACITY_BYTES);
  const written = port.write(CAPACITY_BYTES, packet.length);
  if (written !== packet.length)
    console.error(`the kernel did not take a packet of ${packet.length} bytes: ${written}`);
}

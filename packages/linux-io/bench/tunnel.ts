/**
 * Speed of the barest tunnel: two endpoint processes over a veth pair, iperf3 through it, plain veth beside it.
 *
 *   namespace lio-b0                                       namespace lio-b1
 *   iperf3 ──▶ lio-b (TUN) ──▶ endpoint ══ veth, UDP ══▶ endpoint ──▶ lio-b (TUN) ──▶ iperf3
 *
 * Run as root: node packages/linux-io/bench/tunnel.ts [seconds]. Prints Mbit/s.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SECONDS = process.argv[2] ?? "5";
const ENDPOINT = fileURLToPath(new URL("endpoint.ts", import.meta.url));
const children: ChildProcess[] = [];

try {
  setUp();
  const server = start(1, ["iperf3", "-s"]);
  children.push(server);
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(`plain veth, TCP            ${measure("198.18.30.2", [])}`);
  console.log(`plain veth, UDP 1300 B     ${measure("198.18.30.2", ["-u", "-b", "0", "-l", "1300"])}`);
  for (const cipher of ["aes-256-gcm", "chacha20-poly1305"]) {
    const endpoints = [await startEndpoint(0, cipher), await startEndpoint(1, cipher)];
    configureTuns();
    console.log(`${cipher}, TCP`.padEnd(27) + measure("198.18.31.2", []));
    console.log(`${cipher}, UDP 1300`.padEnd(27) + measure("198.18.31.2", ["-u", "-b", "0", "-l", "1300"]));
    await Promise.all(endpoints.map(stop));
  }
} finally {
  await Promise.all(children.map(stop));
  for (const index of [0, 1]) ip(`netns del lio-b${index}`);
}

function setUp(): void {
  for (const index of [0, 1]) ip(`netns add lio-b${index}`);
  ip("link add lio-bv0 netns lio-b0 type veth peer name lio-bv1 netns lio-b1");
  for (const index of [0, 1]) {
    ip(`-n lio-b${index} addr add 198.18.30.${index + 1}/24 dev lio-bv${index}`);
    ip(`-n lio-b${index} link set lio-bv${index} up`);
    ip(`-n lio-b${index} link set lo up`);
  }
}

async function startEndpoint(index: number, cipher: string): Promise<ChildProcess> {
  const [local, remote] = [`198.18.30.${index + 1}`, `198.18.30.${2 - index}`];
  const child = start(index, [process.execPath, ENDPOINT, "lio-b", local, "4500", remote, "4500", cipher]);
  children.push(child);
  await once(child, "message");
  return child;
}

function configureTuns(): void {
  for (const index of [0, 1]) {
    ip(`-n lio-b${index} addr add 198.18.31.${index + 1}/24 dev lio-b`);
    ip(`-n lio-b${index} link set lio-b mtu 1400 up`);
  }
}

function start(index: number, command: string[]): ChildProcess {
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  return spawn("ip", ["netns", "exec", `lio-b${index}`, ...command], { stdio: [...stdio] });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

function measure(host: string, options: readonly string[]): string {
  const command = ["netns", "exec", "lio-b0", "iperf3", "-J", "-c", host, "-t", SECONDS, ...options];
  const { end } = JSON.parse(execFileSync("ip", command, { encoding: "utf8", maxBuffer: 1 << 24 }));
  const received = end.sum_received ?? end.sum;
  const loss = end.sum?.lost_percent === undefined ? "" : `  loss ${end.sum.lost_percent.toFixed(1)} %`;
  const rate =
    end.sum?.lost_percent === undefined
      ? received.bits_per_second
      : end.sum.bits_per_second * (1 - end.sum.lost_percent / 100);
  return `${(rate / 1e6).toFixed(0).padStart(6)} Mbit/s${loss}`;
}

function ip(command: string): void {
  execFileSync("ip", command.split(" "));
}

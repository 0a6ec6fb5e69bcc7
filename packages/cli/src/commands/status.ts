import { type management, management as messages, type telemetry } from "@edgebos/proto";
import { askApi } from "../api-client.ts";
import type { Invocation } from "../command.ts";
import { CommandError, EXIT } from "../errors.ts";
import { duration, size, table } from "../format.ts";
import { locateStateDir, notRunning } from "../instance/locate.ts";
import { isAlive } from "../instance/process-identity.ts";
import { type InstanceRecord, readRecord } from "../instance/record.ts";

/** Shows the connection, its peers and the services. Exit code 3 = not running, 1 = running, but its api does not answer. */
export async function status(invocation: Invocation): Promise<number> {
  const { role, options, json } = invocation;
  const stateDir = await locateStateDir(role, options);
  const record = readRecord(stateDir);
  if (record === undefined || !isAlive(record)) {
    if (!json) throw notRunning(role, stateDir);
    printJson({ running: false, ready: false, summary: `not running with the state directory ${stateDir}` });
    return EXIT.notRunning;
  }
  try {
    const answer = (await askApi(record, "/api/v1/status")) as object;
    if (json) printJson({ running: true, ready: false, ...answer, supervisor: supervisorOf(record) });
    else process.stdout.write(statusText(record, messages.Status.fromJSON(answer), Date.now()));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "api-silent") throw error;
    if (json) printJson({ running: true, ready: false, summary: error.message, supervisor: supervisorOf(record) });
    else process.stdout.write(`${error.message}\n\n${processTable(record, Date.now())}`);
    return EXIT.failure;
  }
}

/** The whole text of `status`. */
export function statusText(record: InstanceRecord, answer: management.Status, nowMs: number): string {
  const state = answer.ready ? "ready" : "NOT READY";
  const parts = [
    `${answer.node} (edgebos-${record.role} ${answer.version}): ${state}, up ${duration(nowMs - record.startedMs)}\n${answer.summary}\n`,
  ];
  if (answer.plan !== undefined && answer.plan.summary !== "") parts.push(`Plan: ${answer.plan.summary}\n`);
  if (answer.peers.length > 0) parts.push(peerTable(answer.peers, nowMs));
  parts.push(serviceTable(record, answer.services, nowMs));
  return parts.join("\n");
}

function peerTable(peers: readonly telemetry.PeerSample[], nowMs: number): string {
  const rows = peers.map((peer) => [
    peer.peer,
    peer.connected ? `connected for ${duration(nowMs - peer.sinceMs)}` : "not connected",
    [peer.innerV4, peer.innerV6].filter((address) => address !== "").join(" "),
    size(peer.txBytes),
    size(peer.rxBytes),
    Object.entries(peer.drops)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(", "),
  ]);
  return table(["PEER", "STATE", "INNER ADDRESSES", "SENT", "RECEIVED", "REFUSED PACKETS"], rows);
}

function serviceTable(record: InstanceRecord, services: readonly management.ServiceStatus[], nowMs: number): string {
  const rows = services.map((service) => {
    const restarts = record.processes.find(({ name }) => name === service.name)?.restarts ?? 0;
    const health = service.healthy ? "healthy" : `UNHEALTHY: ${service.detail}`;
    return [
      service.name,
      String(service.pid || "-"),
      age(service.startedMs, nowMs),
      size(service.rssBytes),
      String(restarts),
      health,
    ];
  });
  return table(["SERVICE", "PID", "UP", "MEMORY", "RESTARTS", "HEALTH"], rows);
}

function processTable(record: InstanceRecord, nowMs: number): string {
  const rows = record.processes.map((entry) => [
    entry.name,
    isAlive(entry) ? String(entry.pid) : "gone",
    age(entry.startedMs, nowMs),
    String(entry.restarts),
  ]);
  return table(["PROCESS", "PID", "UP", "RESTARTS"], rows);
}

function age(startedMs: number, nowMs: number): string {
  return startedMs === 0 ? "-" : duration(nowMs - startedMs);
}

function supervisorOf({ pid, configFile, startedMs, readyMs, processes }: InstanceRecord) {
  return { pid, configFile, startedMs, readyMs, processes };
}

function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

import { SERVICES, serviceSocketIn } from "../state-files.ts";
import type { KeyPath } from "./schema-keys.ts";
import type { Config } from "./types.ts";

/** A problem that only shows when several keys are seen together. */
export interface RuleProblem {
  readonly path: KeyPath;
  readonly text: string;
}

/** `sun_path` of a Unix socket address holds 108 bytes with its closing zero. */
const SOCKET_PATH_BYTES = 107;

/** Checks what a schema of single keys cannot. */
export function brokenRules(config: Config): RuleProblem[] {
  return [...interfaceRules(config), ...routingRules(config), ...listenRules(config), ...stateDirRules(config)];
}

function* interfaceRules({ role, interfaces }: Config): Generator<RuleProblem> {
  const seen = new Set<string>();
  for (const [index, { name }] of interfaces.manual.entries()) {
    if (seen.has(name)) yield { path: ["interfaces", "manual", index, "name"], text: `"${name}" is listed twice` };
    seen.add(name);
  }
  if (role === "client" && !interfaces.auto_detect && interfaces.manual.length === 0) {
    yield {
      path: ["interfaces", "auto_detect"],
      text: "is false and interfaces.manual is empty, so no link could ever be used: set it to true or list the interfaces",
    };
  }
}

function* routingRules({ role, routing }: Config): Generator<RuleProblem> {
  if (role === "client" && routing.mode === "split" && routing.routes.length === 0) {
    yield {
      path: ["routing", "routes"],
      text: "must list at least one network when routing.mode is split",
    };
  }
}

function* listenRules({ role, listen, server }: Config): Generator<RuleProblem> {
  const users = new Map<string, string>();
  if (role === "server") users.set(String(server.port), "server.port");
  const entries: [KeyPath, string][] = [
    [["listen", "grpc"], listen.grpc],
    [["listen", "http"], listen.http],
    [["listen", "nats"], listen.nats],
    ...Object.entries(listen.metrics).map(([name, text]): [KeyPath, string] => [["listen", "metrics", name], text]),
  ];
  for (const [path, text] of entries) {
    const port = text.slice(text.lastIndexOf(":") + 1);
    const other = users.get(text) ?? users.get(port);
    if (other !== undefined && port !== "0") yield { path, text: `${text} is taken by ${other}: choose another port` };
    users.set(text, path.join("."));
  }
}

function* stateDirRules(config: Config): Generator<RuleProblem> {
  const longest = Math.max(...SERVICES.map((service) => Buffer.byteLength(serviceSocketIn(config.state_dir, service))));
  if (longest > SOCKET_PATH_BYTES) {
    yield {
      path: ["state_dir"],
      text: `is ${longest - SOCKET_PATH_BYTES} bytes too long for the Unix sockets inside it: choose a shorter path`,
    };
  }
}

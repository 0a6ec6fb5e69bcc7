import { type Command, JSON_OPTION, type OptionSpecs } from "./command.ts";

const STATE_DIR: OptionSpecs = {
  "state-dir": {
    type: "string",
    value: "DIR",
    help: "state directory of the server (default /var/lib/edgebos/server)",
  },
};
const INSTANCE: OptionSpecs = {
  config: { type: "string", short: "c", value: "FILE", help: "the instance that was started with this configuration" },
  "state-dir": { type: "string", value: "DIR", help: "the instance with this state directory" },
};
const VALIDITY: OptionSpecs = {
  days: { type: "string", value: "N", help: "days that the certificate is valid (default 825)" },
  "not-after": { type: "string" },
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    words: "init",
    roles: ["server"],
    operands: [],
    summary: "create the certificate authority, the server's certificate and its configuration",
    options: {
      ...STATE_DIR,
      host: { type: "string", value: "NAME_OR_IP", help: "name or address by which clients reach the server" },
      port: { type: "string", value: "N", help: "TCP and UDP port of the server (default 8443)" },
      days: { type: "string", value: "N", help: "days that the server's certificate is valid (default 825)" },
      "not-after": { type: "string" },
      force: { type: "boolean", help: "replace what is there; all clients need new certificates then" },
      ...JSON_OPTION,
    },
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    words: "client add",
    roles: ["server"],
    operands: ["NAME"],
    summary: "create a client's certificate and configuration, and let it in",
    options: {
      ...STATE_DIR,
      out: {
        type: "string",
        value: "DIR",
        help: "where to write config.yaml, client-cert.pem, client-key.pem and ca.pem",
      },
      ...VALIDITY,
      force: { type: "boolean", help: "replace the client of that name; its old certificate is refused then" },
      ...JSON_OPTION,
    },
    load: async () => (await import("./commands/clients.ts")).addClient,
  },
  {
    words: "client list",
    roles: ["server"],
    operands: [],
    summary: "list the clients that are let in",
    options: { ...STATE_DIR, ...JSON_OPTION },
    load: async () => (await import("./commands/clients.ts")).listClients,
  },
  {
    words: "client remove",
    roles: ["server"],
    operands: ["NAME"],
    summary: "refuse a client from now on, and disconnect it",
    options: { ...STATE_DIR, ...JSON_OPTION },
    load: async () => (await import("./commands/clients.ts")).removeClient,
  },
  {
    words: "start",
    roles: ["client", "server"],
    operands: [],
    summary: "run until Ctrl-C: a private nats-server and the four services",
    options: {
      config: { type: "string", short: "c", value: "FILE", help: "configuration (see config.example.yaml)" },
      detach: { type: "boolean", short: "d", help: "run in the background; the log is in <state_dir>/logs" },
      "log-to-file": { type: "boolean" },
      ...JSON_OPTION,
    },
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    words: "stop",
    roles: ["client", "server"],
    operands: [],
    summary: "stop the instance, and whatever is left of one that crashed",
    options: { ...INSTANCE, ...JSON_OPTION },
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    words: "status",
    roles: ["client", "server"],
    operands: [],
    summary: "show the connection, its peers and the services",
    options: { ...INSTANCE, ...JSON_OPTION },
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    words: "links",
    roles: ["client", "server"],
    operands: [],
    summary: "show each link: rates, round-trip time, loss, condition and why",
    options: { ...INSTANCE, ...JSON_OPTION },
    load: async () => (await import("./commands/links.ts")).links,
  },
  {
    words: "version",
    roles: ["client", "server"],
    operands: [],
    summary: "print the version",
    options: { ...JSON_OPTION },
    load: async () => (await import("./commands/version.ts")).version,
  },
];

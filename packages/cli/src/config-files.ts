import { isIPv6 } from "node:net";

/** The configuration that `init` writes for a server. Paths are relative to the file, so the directory can be moved. */
export function serverConfig(host: string, port: number): string {
  return `# EdgeBOS aggregation server. All keys and their defaults: config.example.yaml
role: server
server:
  # The name or address that clients reach this server by; its certificate is for this name.
  host: ${quoted(host)}
  port: ${port}
security:
  certificate: server-cert.pem
  key: server-key.pem
  ca: ca.pem
state_dir: .
`;
}

/** The configuration that `client add` writes for a client. */
export function clientConfig(host: string, port: number): string {
  return `# EdgeBOS client. All keys and their defaults: config.example.yaml
role: client
server:
  host: ${quoted(host)}
  port: ${port}
interfaces:
  # Use every interface that has a gateway, as soon as it appears.
  auto_detect: true
bonding:
  algorithm: adaptive # round-robin, weighted, latency-based, adaptive, redundant
security:
  certificate: client-cert.pem
  key: client-key.pem
  ca: ca.pem
`;
}

function quoted(host: string): string {
  return isIPv6(host) ? `"${host}"` : host;
}

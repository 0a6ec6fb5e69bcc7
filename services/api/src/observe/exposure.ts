import { type Config, type Events, parseEndpoint } from "@edgebos/service";

/** Says so when the interface can be reached from other machines: it asks nobody for a password. */
export function warnIfExposed(config: Config, events: Events): void {
  for (const [key, address] of [
    ["listen.grpc", config.listen.grpc],
    ["listen.http", config.listen.http],
  ] as const) {
    if (isLoopback(parseEndpoint(address).host)) continue;
    const text = `${key} is ${address}: whoever reaches this address can change the configuration, since there is no authentication. Keep it on 127.0.0.1 or behind a firewall.`;
    events.publish("warning", "api-exposed", text, { key, address });
  }
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

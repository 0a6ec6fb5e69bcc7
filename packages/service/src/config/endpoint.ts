/** Where something listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port` or `[v6]:port`. Returns undefined if the text is neither. Port 0 lets the kernel choose. */
export function splitEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2]!;
  const port = Number(match[3]);
  return port > 65_535 ? undefined : { host, port };
}

/** Splits an address of the validated configuration. Throws on text that did not come from there. */
export function parseEndpoint(text: string): Endpoint {
  const endpoint = splitEndpoint(text);
  if (endpoint === undefined) throw new TypeError(`not a host:port address: ${text}`);
  return endpoint;
}

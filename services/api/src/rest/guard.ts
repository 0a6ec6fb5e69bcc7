import { isIP } from "node:net";
import { RestError } from "./problem.ts";

export interface GuardedRequest {
  readonly method: string;
  readonly headers: {
    readonly host?: string | undefined;
    readonly origin?: string | undefined;
    readonly "sec-fetch-site"?: string | string[] | undefined;
  };
}

/**
 * Keeps web pages of others away from an interface without a login. A page can make a browser send requests here in two ways: its
 * own name may resolve to our address (DNS rebinding), which the Host header gives away; or it may simply post across origins, which Origin and
 * Sec-Fetch-Site give away. Throws RestError. `listenHost` is the configured host.
 */
export function guard(request: GuardedRequest, listenHost: string): void {
  const { host, origin, "sec-fetch-site": site } = request.headers;
  if (host === undefined || !isOwnHost(hostname(host), listenHost)) {
    const text = `this interface does not answer to the name "${host ?? ""}": use its IP address or localhost`;
    throw new RestError(421, "wrong-host", text);
  }
  if (request.method === "GET" || request.method === "HEAD") return;
  const isForeign = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
  if (isForeign || site === "cross-site" || site === "same-site") {
    const text = `changes from a page of another origin (${origin ?? "unknown"}) are refused: use the page of this service`;
    throw new RestError(403, "foreign-origin", text);
  }
}

/** Addresses cannot be rebound, only names can. */
function isOwnHost(name: string, listenHost: string): boolean {
  const lower = name.toLowerCase();
  return (
    isIP(lower) !== 0 || lower === "localhost" || lower.endsWith(".localhost") || lower === listenHost.toLowerCase()
  );
}

/** The Host header without port and brackets. */
function hostname(host: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host);
  return match?.[1] ?? match?.[2] ?? "";
}

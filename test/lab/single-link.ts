import { run } from "./process.ts";
import type { Lab } from "./topology.ts";
import { type DownloadResult, download } from "./traffic/http.ts";

/** Further addresses of the internet host; one per link, counted up from here. */
const FIRST_HOST_NUMBER = 101;

/**
 * Downloads for `seconds` over each link of the first client alone, all at the same time: plain TCP straight over the link, outside
 * any tunnel. Needs an HTTP server on the internet host (`startHttpServer`). Results are in the order of the links.
 */
export async function downloadOverEachLink(lab: Lab, seconds: number): Promise<readonly DownloadResult[]> {
  const { namespace, links } = lab.client;
  const targets = links.map((link, i) => ({ link, host: `198.51.100.${FIRST_HOST_NUMBER + i}` }));
  for (const { link, host } of targets) {
    await run(["ip", "-n", lab.internet, "address", "replace", `${host}/24`, "dev", "eth0"]);
    await run(["ip", "-n", namespace, "route", "replace", host, "via", link.gateway, "dev", link.device]);
  }
  try {
    return await Promise.all(targets.map(({ host }) => download({ namespace, host, seconds })));
  } finally {
    for (const { host } of targets) await run(["ip", "-n", namespace, "route", "delete", host]);
  }
}

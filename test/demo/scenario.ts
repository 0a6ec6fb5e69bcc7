/**
 * The demonstration: three unequal emulated links (links.ts) between a client and a server in network namespaces
 * (drawing: test/lab/topology.ts), one TCP download through the bond, one link cut silently on the way and brought back.
 */
import { type Instance, startPair } from "../lab/product.ts";
import { downloadOverEachLink } from "../lab/single-link.ts";
import { createLab, type Lab } from "../lab/topology.ts";
import { type DownloadResult, download, goodputMbit, startHttpServer } from "../lab/traffic/http.ts";
import { DEMO_LINKS } from "./links.ts";
import { Live } from "./live.ts";
import type { Screen } from "./screen.ts";

export const PREFIX = "demo";
const FILE_MEGABYTES = 256;
const ALONE_SECONDS = 5;
const CUT_AT_MS = 8000;
const RETURN_AT_MS = 14_000;
const REDRAW_MS = 250;
/** The cellular link: neither the fastest nor the slowest. */
const VICTIM = 0;

export interface DemoResult {
  /** Plain TCP straight over each link, in the order of DEMO_LINKS. */
  readonly aloneMbit: readonly number[];
  readonly bonded: DownloadResult;
  /** Goodput of the whole transfer, the time of the cut included. */
  readonly bondedMbit: number;
}

export interface Stage {
  readonly lab: Lab;
  readonly client: Instance;
}

export async function buildLab(): Promise<Lab> {
  const lab = await createLab({ prefix: PREFIX, links: DEMO_LINKS });
  await startHttpServer(lab.internet, FILE_MEGABYTES, true);
  return lab;
}

export async function measureAlone(lab: Lab): Promise<readonly number[]> {
  return (await downloadOverEachLink(lab, ALONE_SECONDS)).map(goodputMbit);
}

/** The real server and the real client, by the commands that an operator types. */
export async function startProduct(lab: Lab): Promise<Stage> {
  const { client } = await startPair(lab);
  return { lab, client };
}

/** The download, with the cut in its middle, shown live. */
export async function downloadThroughBond(stage: Stage, screen: Screen): Promise<DownloadResult> {
  const live = new Live(stage.client, FILE_MEGABYTES * 1024 * 1024);
  live.start();
  const redraw = setInterval(() => screen.show(live.picture()), REDRAW_MS);
  const victim = stage.lab.client.links[VICTIM]!;
  const name = DEMO_LINKS[VICTIM]!.plays;
  const at = (ms: number, cut: boolean, text: string): NodeJS.Timeout =>
    setTimeout(() => {
      live.tell(ms / 1000, text, victim.device, cut);
      void stage.lab.cut(victim, cut);
    }, ms);
  const timers = [
    at(CUT_AT_MS, true, `the ${name} link is cut: every packet vanishes, its interface still looks fine`),
    at(RETURN_AT_MS, false, `the ${name} link carries packets again`),
  ];
  try {
    return await download({
      namespace: stage.lab.client.namespace,
      host: "198.51.100.2",
      onProgress: (progress) => live.progress(progress),
    });
  } finally {
    live.stop();
    clearInterval(redraw);
    for (const timer of timers) clearTimeout(timer);
    screen.show(live.picture());
  }
}

import type { Instance, LinkStatus } from "../lab/product.ts";
import type { DownloadProgress } from "../lab/traffic/http.ts";
import { DEMO_LINKS, describe } from "./links.ts";
import type { LinkRow, Picture } from "./table.ts";

const POLL_MS = 500;
/** Goodput is shown as the mean of this time. */
const GOODPUT_WINDOW_MS = 1000;

/** Gathers what the live table shows: the product's own view of its links, and the download's progress. */
export class Live {
  readonly #client: Instance;
  readonly #totalBytes: number;
  readonly #cut = new Set<string>();
  readonly #story: string[] = [];
  #links: readonly LinkStatus[] = [];
  #progress: DownloadProgress[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Instance, totalBytes: number) {
    this.#client = client;
    this.#totalBytes = totalBytes;
  }

  /** Asks the client for its links twice a second, until `stop`. */
  start(): void {
    const poll = async (): Promise<void> => {
      this.#links = await this.#client.links().catch(() => this.#links);
      if (this.#timer) this.#timer = setTimeout(poll, POLL_MS);
    };
    this.#timer = setTimeout(poll, 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  progress(progress: DownloadProgress): void {
    this.#progress.push(progress);
    this.#progress = this.#progress.filter(({ elapsedMs }) => elapsedMs >= progress.elapsedMs - GOODPUT_WINDOW_MS);
  }

  /** Remembers that a link has been cut or brought back, and says so in the picture. */
  tell(elapsedS: number, text: string, link: string, cut: boolean): void {
    if (cut) this.#cut.add(link);
    else this.#cut.delete(link);
    this.#story.push(`${elapsedS.toFixed(1)} s  ${text}`);
  }

  picture(): Picture {
    const [first, last] = [this.#progress[0], this.#progress.at(-1)];
    const spanMs = first && last ? last.elapsedMs - first.elapsedMs : 0;
    return {
      elapsedS: (last?.elapsedMs ?? 0) / 1000,
      links: DEMO_LINKS.map((link) => this.#row(link)),
      goodputMbit: first && last && spanMs > 0 ? ((last.bytes - first.bytes) * 8) / 1000 / spanMs : 0,
      doneRatio: (last?.bytes ?? 0) / this.#totalBytes,
      story: this.#story,
    };
  }

  #row(link: (typeof DEMO_LINKS)[number]): LinkRow {
    const status = this.#links.find((each) => each.link?.name === link.name);
    const path = status?.path;
    return {
      device: link.name,
      plays: describe(link),
      nominalMbit: link.mbit,
      rateMbit: (path?.rxRateBps ?? 0) / 1e6,
      rttMs: (path?.srttUs ?? 0) / 1000,
      lossPct: (path?.peerLossPpm ?? 0) / 1e4,
      state: (status?.link?.condition ?? "LINK_CONDITION_UNKNOWN").replace("LINK_CONDITION_", "").toLowerCase(),
      cut: this.#cut.has(link.name),
    };
  }
}

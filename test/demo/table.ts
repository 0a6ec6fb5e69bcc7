/** The live picture as lines of text. Pure: what to show comes in, lines go out. */

export interface LinkRow {
  readonly device: string;
  /** What the link plays, e.g. "cellular, 40 Mbit/s, 60 ms". */
  readonly plays: string;
  readonly nominalMbit: number;
  readonly rateMbit: number;
  readonly rttMs: number;
  readonly lossPct: number;
  readonly state: string;
  /** We have cut it ourselves. */
  readonly cut: boolean;
}

export interface Picture {
  readonly elapsedS: number;
  readonly links: readonly LinkRow[];
  readonly goodputMbit: number;
  readonly doneRatio: number;
  /** What has happened so far, newest last. */
  readonly story: readonly string[];
}

const RATE_BAR_CELLS = 16;
const DONE_BAR_CELLS = 40;
const STORY_LINES = 4;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A block of always the same height, for a terminal that is redrawn. */
export function drawPicture(picture: Picture, color: boolean): string[] {
  const paint = color ? ansi : plain;
  const story = picture.story.slice(-STORY_LINES);
  return [
    paint(
      "dim",
      `  ${"link".padEnd(7)}${"".padEnd(29)}${"rate down".padEnd(31)}${"RTT".padStart(7)}${"loss".padStart(9)}   state`,
    ),
    ...picture.links.map((link) => drawLink(link, paint)),
    "",
    `  ${"download".padEnd(36)}${bar(picture.doneRatio, DONE_BAR_CELLS)} ${percent(picture.doneRatio)}  ${paint("bold", mbit(picture.goodputMbit))}`,
    "",
    ...Array.from({ length: STORY_LINES }, (_, i) => `  ${paint("dim", story[i] ?? "")}`),
  ];
}

/** The same in one line, for a log. */
export function drawLine(picture: Picture): string {
  const links = picture.links.map(
    (link) =>
      `${link.device} ${link.rateMbit.toFixed(1)} Mbit/s ${link.rttMs.toFixed(0)} ms ${link.lossPct.toFixed(1)} % ${stateText(link)}`,
  );
  const head = `${picture.elapsedS.toFixed(0).padStart(3)} s  ${percent(picture.doneRatio)}  ${mbit(picture.goodputMbit)}`;
  return [head, ...links].join("  |  ");
}

function drawLink(link: LinkRow, paint: Paint): string {
  const cells = `${bar(link.rateMbit / link.nominalMbit, RATE_BAR_CELLS)} ${mbit(link.rateMbit)}`;
  const rtt = link.rttMs > 0 ? `${link.rttMs.toFixed(0)} ms` : "–";
  const tone = link.state === "up" ? "green" : "red";
  return `  ${link.device.padEnd(7)}${paint("dim", link.plays.padEnd(29))}${cells}${rtt.padStart(9)}${`${link.lossPct.toFixed(1)} %`.padStart(9)}   ${paint(tone, stateText(link))}`;
}

function stateText(link: LinkRow): string {
  return link.cut ? `${link.state} (cut)` : link.state;
}

function mbit(value: number): string {
  return `${value.toFixed(1).padStart(6)} Mbit/s`;
}

function percent(ratio: number): string {
  return `${Math.floor(100 * ratio)} %`.padStart(5);
}

function bar(ratio: number, cells: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * cells * 8);
  const full = Math.floor(eighths / 8);
  const rest = full < cells ? EIGHTHS[eighths % 8]! : "";
  return `${"█".repeat(full)}${rest}`.padEnd(cells, "·");
}

type Tone = "bold" | "dim" | "green" | "red";
type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, number>> = { bold: 1, dim: 2, green: 32, red: 31 };

function ansi(tone: Tone, text: string): string {
  return `\u001b[${CODES[tone]}m${text}\u001b[0m`;
}

function plain(_tone: Tone, text: string): string {
  return text;
}

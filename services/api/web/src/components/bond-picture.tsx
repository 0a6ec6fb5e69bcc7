import { rateText } from "../format.ts";
import type { Status } from "../model.ts";
import type { Strand } from "../strands.ts";
import type { Tone } from "../words.ts";

const WIDTH = 640;
const ROW_HEIGHT = 34;
const LEFT = 96;
const RIGHT = WIDTH - 96;
/** A link at this rate is drawn at full width. */
const FULL_RATE_BPS = 100e6;

interface Line {
  readonly key: string;
  readonly name: string;
  readonly colour: string;
  readonly tone: Tone;
  readonly rateBps: number;
}

/** Gateway and server, with one line for each link between them; on a server, one for each client. */
export function BondPicture({ strands, status }: { strands: readonly Strand[]; status: Status }) {
  const isServer = status.role === "NODE_ROLE_SERVER";
  const lines = isServer ? linesOfClients(strands) : strands.map(lineOf);
  const height = Math.max(3, lines.length) * ROW_HEIGHT + 24;
  const middle = height / 2;
  return (
    <svg class="picture" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={described(lines, isServer)}>
      {lines.map((line, index) => {
        const y = middle + (index - (lines.length - 1) / 2) * ROW_HEIGHT;
        return <Curve key={line.key} line={line} y={y} middle={middle} spread={isServer} />;
      })}
      {!isServer && <Station x={LEFT - 26} y={middle} name="This gateway" shape={GATEWAY} />}
      <Station x={RIGHT + 26} y={middle} name={isServer ? "This server" : "Server"} shape={SERVER} />
    </svg>
  );
}

function Curve({ line, y, middle, spread }: { line: Line; y: number; middle: number; spread: boolean }) {
  const bend = 110;
  const start = spread
    ? `M${LEFT - 40} ${y}H${LEFT + bend}`
    : `M${LEFT} ${middle}C${LEFT + bend / 1.6} ${middle} ${LEFT + bend / 2.4} ${y} ${LEFT + bend} ${y}`;
  const d = `${start}H${RIGHT - bend}C${RIGHT - bend / 2.4} ${y} ${RIGHT - bend / 1.6} ${middle} ${RIGHT} ${middle}`;
  const works = line.tone === "good" || line.tone === "warn";
  const flows = works && line.rateBps > 10_000;
  const width = 2 + 8 * Math.sqrt(Math.min(1, line.rateBps / FULL_RATE_BPS));
  return (
    <g class={works ? "line" : `line ${line.tone}`}>
      <path d={d} stroke={line.colour} stroke-width={works ? width : 2} class="bed" />
      {flows && <path d={d} stroke={line.colour} stroke-width={Math.max(2, width * 0.45)} class="flow" />}
      <text x={WIDTH / 2} y={y - width / 2 - 5} text-anchor="middle">
        <tspan class="name">{line.name}</tspan> {works ? rateText(line.rateBps) : WORDS[line.tone]}
      </text>
    </g>
  );
}

function Station({ x, y, name, shape }: { x: number; y: number; name: string; shape: string }) {
  return (
    <g class="station">
      <rect x={x - 26} y={y - 26} width="52" height="52" rx="14" />
      <path d={shape} transform={`translate(${x - 16} ${y - 16})`} />
      <text x={x} y={y + 43} text-anchor="middle">
        {name}
      </text>
    </g>
  );
}

function lineOf(strand: Strand): Line {
  const { key, name, colour, condition, rates } = strand;
  return { key, name, colour, tone: condition.tone, rateBps: rates.down + rates.up };
}

function linesOfClients(strands: readonly Strand[]): Line[] {
  const clients = [...new Set(strands.map(({ client }) => client))];
  return clients.map((client) => {
    const own = strands.filter((strand) => strand.client === client);
    const working = own.some(({ condition }) => condition.tone === "good");
    const rateBps = own.reduce((sum, { rates }) => sum + rates.down + rates.up, 0);
    return { key: client, name: client, colour: own[0]!.colour, tone: working ? "good" : "bad", rateBps };
  });
}

function described(lines: readonly Line[], isServer: boolean): string {
  const what = isServer ? "Clients of this server" : "Links between this gateway and the server";
  const each = lines.map(({ name, tone, rateBps }) => `${name} ${tone === "bad" ? "not working" : rateText(rateBps)}`);
  return `${what}: ${each.join(", ") || "none"}`;
}

const WORDS: Readonly<Record<Tone, string>> = { good: "", warn: "", bad: "not working", idle: "waiting" };

/** On a grid of 32: a box with two aerials, and a rack of three. */
const GATEWAY = "M5 18h22v8H5zM10 22h.01M15 22h.01M9 18V7M23 18V7M13 10a6 6 0 0 1 6 0";
const SERVER = "M6 5h20v6H6zM6 13h20v6H6zM6 21h20v6H6zM10 8h.01M10 16h.01M10 24h.01";

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { rateText } from "../format.ts";
import { type Direction, HISTORY_SECONDS, type History } from "../history.ts";
import type { Strand } from "../strands.ts";
import { Help } from "./help.tsx";

const HEIGHT = 220;
/** The scale never shrinks below this, so that idle probing does not look like traffic. */
const LEAST_SCALE_BPS = 1e6;
/** Marks of the time axis, seconds before the newest sample. */
const TICKS_AGO = [120, 90, 60, 30, 0];

interface RateChartProps {
  readonly history: History;
  readonly strands: readonly Strand[];
  readonly isServer: boolean;
}

/** The rates of all links on top of each other over the last two minutes. */
export function RateChart({ history, strands, isServer }: RateChartProps) {
  const [direction, setDirection] = useState<Direction>("down");
  const names: Readonly<Record<Direction, string>> = isServer
    ? { down: "To clients", up: "From clients" }
    : { down: "Download", up: "Upload" };
  return (
    <section class="card" aria-labelledby="rates">
      <div class="title">
        <h2 id="rates">Last two minutes</h2>
        <Help topic="The chart">
          <p>
            Each colour is one {isServer ? "path of a client" : "link"}; they lie on top of each other, so the upper
            edge is what the bond carries in all. When one dies, its colour vanishes and the others grow.
          </p>
        </Help>
        <fieldset class="choice">
          <legend class="hidden">Direction</legend>
          {(["down", "up"] as const).map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="direction"
                checked={choice === direction}
                onChange={() => setDirection(choice)}
              />
              <span>{names[choice]}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <Plot history={history} strands={strands} direction={direction} />
      <ul class="legend">
        {strands.map(({ key, client, name, colour, rates }) => (
          <li key={key}>
            <i style={{ background: colour }} aria-hidden="true" />
            {client === "" ? name : `${client} · ${name}`} <b>{rateText(rates[direction])}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Plot({ history, strands, direction }: { history: History; strands: readonly Strand[]; direction: Direction }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const order = strands.map(({ key }) => key).join();
  const dark = useDarkScheme();
  useEffect(() => {
    const chart = new uPlot(options(strands, box.current!, box.current!.clientWidth), [[]], box.current!);
    plot.current = chart;
    const resize = new ResizeObserver(() => chart.setSize({ width: box.current!.clientWidth, height: HEIGHT }));
    resize.observe(box.current!);
    return () => {
      resize.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
  }, [order, dark]);
  useEffect(() => plot.current?.setData(stacked(history, strands, direction)), [history, order, direction, dark]);
  return <div ref={box} class="plot" aria-hidden="true" />;
}

function options(strands: readonly Strand[], box: HTMLElement, width: number): uPlot.Options {
  const style = getComputedStyle(box);
  const ink = style.getPropertyValue("--muted").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const font = "11px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT,
    padding: [10, 18, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_, __, newest) => [newest - HISTORY_SECONDS, newest] },
      y: { range: (_, __, largest) => [0, Math.max(largest * 1.12, LEAST_SCALE_BPS)] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid: { show: false },
        ticks: grid,
        splits: (_, __, oldest) => TICKS_AGO.map((seconds) => oldest + HISTORY_SECONDS - seconds),
        values: () => TICKS_AGO.map((seconds) => (seconds === 0 ? "now" : `−${seconds} s`)),
      },
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: 76,
        values: (_, ticks) => ticks.map((tick) => (tick === 0 ? "0" : rateText(tick))),
      },
    ],
    // The first strand is at the bottom; each series is the sum up to its strand, filled down to the one below.
    series: [
      {},
      ...strands.map(({ colour }) => ({ stroke: colour, width: 1.5, fill: `${colour}66`, points: { show: false } })),
    ],
    bands: strands.slice(1).map((_, index) => ({ series: [index + 2, index + 1] as [number, number] })),
  };
}

function stacked(history: History, strands: readonly Strand[], direction: Direction): uPlot.AlignedData {
  let below: number[] = history.times.map(() => 0);
  const sums = strands.map(({ key }) => {
    const own = history[direction].get(key);
    below = below.map((sum, index) => sum + (own?.[index] ?? 0));
    return below;
  });
  return [[...history.times], ...sums];
}

function useDarkScheme(): boolean {
  const query = "(prefers-color-scheme: dark)";
  const [dark, setDark] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setDark(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return dark;
}

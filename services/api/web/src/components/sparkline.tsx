const WIDTH = 72;
const HEIGHT = 26;
/** A minute at two samples a second. */
const SAMPLES = 120;

/** The last minute of a rate, without axes: its shape only. */
export function Sparkline({ values, colour }: { values: readonly number[]; colour: string }) {
  const shown = values.slice(-SAMPLES);
  const largest = Math.max(1, ...shown);
  const points = shown.map((value, index) => {
    const x = WIDTH - (shown.length - 1 - index) * (WIDTH / (SAMPLES - 1));
    return `${x.toFixed(1)},${(HEIGHT - 2 - (value / largest) * (HEIGHT - 4)).toFixed(1)}`;
  });
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={points.join(" ")} stroke={colour} />
    </svg>
  );
}

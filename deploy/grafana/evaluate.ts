/**
 * Evaluates every query of the dashboard on a Prometheus that scrapes a running client or server: `evaluate.ts
 * http://127.0.0.1:9090`. Fails if one is not valid, and names those that find nothing at the moment.
 */
import { dashboard } from "./dashboard.ts";

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly unknown[] };
}

const [prometheus = "http://127.0.0.1:9090"] = process.argv.slice(2);
const { panels } = dashboard() as { panels: { title: string; targets?: { expr: string }[] }[] };
let invalid = 0;
for (const { title, targets = [] } of panels) {
  for (const { expr } of targets) {
    const { status, error, data } = await evaluate(expr);
    if (status !== "success") invalid++;
    const found = status === "success" ? `${data?.result.length ?? 0} series` : `INVALID: ${error}`;
    console.log(`${found.padStart(10)}  ${title}: ${expr}`);
  }
}
process.exitCode = invalid === 0 ? 0 : 1;

async function evaluate(expression: string): Promise<Answer> {
  const query = expression.replaceAll("$node", ".+").replaceAll("$__rate_interval", "1m");
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`);
  return (await response.json()) as Answer;
}

const DIM = "\x1b[2m";
const RESET = "\x1b[0m";
const COLOURS: Readonly<Record<string, string>> = {
  trace: "\x1b[2m",
  debug: "\x1b[36m",
  info: "\x1b[32m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
  fatal: "\x1b[1;31m",
};

/** One JSON log line for a person: time, level, service, text, then the remaining fields; a stack goes below. */
export function prettyLine(json: string, colour = process.stdout.isTTY === true): string {
  const { time, level, service, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const paint = (code: string, text: string) => (colour ? `${code}${text}${RESET}` : text);
  const { stack, message, ...details } = errorFields(err);
  const extras = Object.entries({ ...fields, ...(message === undefined ? {} : { err: message }), ...details })
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(" ");
  const head = [
    paint(DIM, localTime(String(time))),
    paint(COLOURS[String(level)] ?? "", String(level).toUpperCase().padEnd(5)),
    String(service ?? "").padEnd(9),
    String(msg ?? ""),
  ].join(" ");
  const line = extras === "" ? head : `${head} ${paint(DIM, extras)}`;
  return stack === undefined ? `${line}\n` : `${line}\n${String(stack).replaceAll(/^/gm, "    ")}\n`;
}

function errorFields(err: unknown): Record<string, unknown> {
  if (err === undefined) return {};
  return typeof err === "object" && err !== null ? (err as Record<string, unknown>) : { message: err };
}

function localTime(iso: string): string {
  const date = new Date(iso);
  const pad = (value: number, width = 2) => String(value).padStart(width, "0");
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

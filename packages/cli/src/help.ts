import type { Role } from "@edgebos/service/config";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";

const WHAT = {
  client: "joins the links of this machine into one encrypted link to an aggregation server",
  server: "is the other end of bonded links: it joins what clients send over several links",
} as const;

/** All commands of a role. */
export function helpText(role: Role): string {
  const commands = COMMANDS.filter(({ roles }) => roles.includes(role));
  const rows = commands.map((command): [string, string] => [heading(command), command.summary]);
  return [
    `edgebos-${role} ${WHAT[role]}.`,
    "",
    "Commands:",
    ...columns([...rows, ["help COMMAND", "show the options of a command"]]),
    "",
    ...examples(role),
    "",
  ].join("\n");
}

/** One command with its options. */
export function commandHelp(role: Role, command: Command): string {
  const options = Object.entries(command.options).filter(([, spec]) => spec.help !== undefined);
  const rows = options.map(([name, spec]): [string, string] => {
    const short = spec.short === undefined ? "" : `-${spec.short}, `;
    return [`${short}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, spec.help!];
  });
  return [
    `edgebos-${role} ${heading(command)}${options.length === 0 ? "" : " [options]"}`,
    `  ${command.summary}`,
    "",
    ...columns(rows),
    "",
  ].join("\n");
}

function heading({ words, operands }: Command): string {
  return [words, ...operands].join(" ");
}

function columns(rows: readonly [string, string][]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function examples(role: Role): string[] {
  return role === "server"
    ? [
        "First steps:",
        "  edgebos-server init --state-dir /etc/edgebos --host bond.example.com",
        "  edgebos-server client add van-7 --state-dir /etc/edgebos --out van-7",
        "  edgebos-server start --config /etc/edgebos/config.yaml --detach",
      ]
    : [
        'First steps (the files come from "edgebos-server client add"):',
        "  edgebos-client start --config van-7/config.yaml --detach",
        "  edgebos-client links",
      ];
}

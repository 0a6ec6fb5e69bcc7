import { VERSION } from "@edgebos/service/version";
import type { Invocation } from "../command.ts";
import { EXIT } from "../errors.ts";

export function version({ role, json }: Invocation): number {
  const node = process.version;
  const text = json ? JSON.stringify({ version: VERSION, node }) : `edgebos-${role} ${VERSION} (node ${node})`;
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

/** `node main.ts client|server COMMAND …`: what `edgebos-client` and `edgebos-server` run. */
import { runCommandLine } from "./command-line.ts";

process.exitCode = await runCommandLine(process.argv.slice(2));

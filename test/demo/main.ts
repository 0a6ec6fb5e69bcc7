/** `npm run demo [-- --keep | --remove | --help]`. Exit status 0 says that the bond held. */
import { parseArgs } from "node:util";
import { orExit } from "../command-line.ts";
import { CommandError } from "../lab/process.ts";
import type { Instance } from "../lab/product.ts";
import { missingForLab } from "../lab/requirements.ts";
import { refuseForeign, removeLab } from "../lab/state.ts";
import { goodputMbit } from "../lab/traffic/http.ts";
import { keepRunning } from "./keep.ts";
import { DEMO_LINKS, describe } from "./links.ts";
import { lastLogLines } from "./logs.ts";
import { buildLab, downloadThroughBond, measureAlone, PREFIX, startProduct } from "./scenario.ts";
import { Screen } from "./screen.ts";

const HELP = `npm run demo             shows the bond at work on three emulated links, about a minute, then cleans up
npm run demo -- --keep   the same, and leaves all of it running to be looked at
npm run demo -- --remove removes what --keep left running
`;

const SCREEN = new Screen();
const INTERRUPTED_STATUS = 130;
let removal: Promise<void> | undefined;

await main();

async function main(): Promise<void> {
  const options = {
    keep: { type: "boolean" },
    remove: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  } as const;
  const { values } = orExit(HELP, () => parseArgs({ options }));
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const missing = missingForLab(["nats-server", "nft"]);
  if (missing) fail(`The demonstration ${missing}.`);
  if (values.remove) {
    await removeLab(PREFIX);
    SCREEN.say("The demonstration's namespaces and processes are removed.");
    return;
  }
  try {
    refuseForeign(PREFIX);
  } catch (error) {
    fail(`The demonstration cannot run: ${error instanceof Error ? error.message : error}.`);
  }
  onInterrupt();
  process.exitCode = (await runDemo(values.keep ?? false)) ? 0 : 1;
}

async function runDemo(keep: boolean): Promise<boolean> {
  introduce();
  let client: Instance | undefined;
  try {
    step("Building the lab: five network namespaces, three emulated links");
    const lab = await buildLab();
    step("Measuring each link alone: plain TCP straight over it, no tunnel");
    const aloneMbit = await measureAlone(lab);
    step("Starting the aggregation server and the client");
    const stage = await startProduct(lab);
    client = stage.client;
    step("Downloading one file over one TCP connection through the bond");
    SCREEN.say(
      "    Of each link: its rate, its round trip (acks return over the quickest link), packets lost, its condition\n",
    );
    const bonded = await downloadThroughBond(stage, SCREEN);
    const held = judge(aloneMbit, bonded);
    if (keep) await keepRunning(stage, SCREEN);
    return held;
  } catch (error) {
    if (removal) return false;
    SCREEN.say(`\n  ${error instanceof Error ? error.message : error}`);
    if (!(error instanceof CommandError)) SCREEN.say(lastLogLines(PREFIX));
    return false;
  } finally {
    if (!keep || !client) await cleanUp();
  }
}

function introduce(): void {
  SCREEN.say(`
  EdgeBOS Aggregator: several uplinks become one encrypted link

  A gateway with a cellular modem, Wi-Fi and a satellite terminal uses one of them at a time, and a call or a
  download dies with it. The client joins them: each packet takes the link by which it arrives first, the server puts
  them in order. This demonstration runs the real client and server on this machine, over links that a
  link emulator makes as slow, late and unreliable as the real ones:
`);
  for (const link of DEMO_LINKS) SCREEN.say(`    ${link.name.padEnd(7)}${describe(link)} round trip`);
  SCREEN.say();
}

function step(text: string): void {
  SCREEN.say(`  ▸ ${text}`);
}

function judge(aloneMbit: readonly number[], bonded: Awaited<ReturnType<typeof downloadThroughBond>>): boolean {
  const bondedMbit = goodputMbit(bonded);
  const best = Math.max(...aloneMbit);
  const bestLink = DEMO_LINKS[aloneMbit.indexOf(best)]!;
  const held = bondedMbit > best && bonded.sha256 === "matches";
  const single = aloneMbit.map((mbit, i) => `${DEMO_LINKS[i]!.name} ${mbit.toFixed(1)}`).join(", ");
  SCREEN.say(`
  each link alone       ${single} Mbit/s (plain TCP, no tunnel)
  bonded, one download  ${bondedMbit.toFixed(1)} Mbit/s, the time of the cut included: ${(bondedMbit / best).toFixed(2)} × the best single link (${bestLink.name})
  longest gap           ${bonded.longestGapMs.toFixed(0)} ms in ${(bonded.elapsedMs / 1000).toFixed(1)} s, at ${(bonded.longestGapAtMs / 1000).toFixed(1)} s
  SHA-256               ${bonded.sha256}, ${(bonded.bytes / 1e6).toFixed(0)} MB
  ${held ? "The bond held." : "The bond did NOT hold: one download through it must be faster than the best link alone."}
`);
  return held;
}

/** Once: an interruption and the failure that it causes both come here. */
function cleanUp(): Promise<void> {
  removal ??= removeLab(PREFIX);
  return removal;
}

function onInterrupt(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      SCREEN.say("\n  Stopped. Cleaning up.");
      void cleanUp().finally(() => process.exit(INTERRUPTED_STATUS));
    });
  }
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

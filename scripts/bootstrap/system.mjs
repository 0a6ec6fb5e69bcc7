import { existsSync } from "node:fs";
import { findProgram, isRoot, run, say, UserError } from "./common.mjs";

/** Programs of the machine, the Debian package that has each, and what it is for. */
const PROGRAMS = {
  "nats-server": { apt: "nats-server", why: "the bus between the services" },
  ip: { apt: "iproute2", why: "interfaces, routes and network namespaces" },
  nft: { apt: "nftables", why: "address translation on the server" },
  iperf3: { apt: "iperf3", why: "measures throughput in tests and benchmarks" },
  ping: { apt: "iputils-ping", why: "measures round-trip times in tests and benchmarks" },
  openssl: { apt: "openssl", why: "checks certificates in tests" },
  caddy: { apt: "caddy", why: 'an HTTP/3 server for the benchmark "quic"' },
  "chromium-headless-shell": { apt: "chromium-headless-shell", why: 'an HTTP/3 client for the benchmark "quic"' },
  mptcpize: { apt: "mptcpize", why: "runs kernel MPTCP, which the benchmarks compare with" },
};

export const TO_RUN = ["nats-server", "ip", "nft"];
export const TO_DEMONSTRATE = [...TO_RUN, "iperf3"];
export const TO_TEST = [...TO_DEMONSTRATE, "ping", "openssl"];
export const TO_BENCH = [...TO_TEST, "mptcpize"];
/** Large, and only for one table of the benchmarks. */
export const TO_BENCH_QUIC = [...TO_BENCH, "caddy", "chromium-headless-shell"];

/** Installs by apt what is missing, and says what and why. Throws a UserError if it cannot. */
export async function ensurePrograms(names) {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return;
  const packages = missing.map((name) => PROGRAMS[name].apt);
  const list = missing.map((name) => `  ${PROGRAMS[name].apt}: ${PROGRAMS[name].why}`).join("\n");
  if (findProgram("apt-get") === undefined) {
    throw new UserError(
      `These programs are missing, and there is no apt-get to install them: install them and run this again.\n${list}`,
    );
  }
  if (!isRoot())
    throw new UserError(`These packages are missing. Run as root: apt-get install ${packages.join(" ")}\n${list}`);
  say(`Installing by apt:\n${list}`);
  await aptInstall(packages);
  await keepPrivate(missing);
}

/** The same for those who cannot install: names what is missing and goes on. */
export async function ensureProgramsIfPossible(names) {
  try {
    await ensurePrograms(names);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`${error.message}\nGoing on without: what needs them is skipped.`);
  }
}

/** Root is needed for network namespaces and TUN devices. */
export function requireRoot(what) {
  if (!isRoot())
    throw new UserError(`${what} needs root, for network namespaces and TUN devices: run it as root, e.g. with sudo.`);
  if (!existsSync("/dev/net/tun"))
    throw new UserError(`${what} needs /dev/net/tun: load the module with "modprobe tun".`);
}

async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = () =>
    run("apt-get", ["install", "--yes", "--no-install-recommends", ...packages], { env, quiet: true });
  if ((await install()) === 0) return;
  say("Fetching the list of packages, and trying again ...");
  const updated = await run("apt-get", ["update"], { env, quiet: true });
  if (updated !== 0 || (await install()) !== 0) {
    throw new UserError(`apt-get could not install ${packages.join(", ")}: install them yourself and run this again.`);
  }
}

/** Debian starts a nats-server of its own when the package is installed; ours are private and started on demand. */
async function keepPrivate(installed) {
  if (!installed.includes("nats-server") || !existsSync("/run/systemd/system")) return;
  say("Switching off the system-wide nats-server that the package starts: EdgeBOS runs its own, on the loopback.");
  await run("systemctl", ["disable", "--now", "nats-server"], { quiet: true });
}

import { createHash, createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, run, start } from "../lab/process.ts";

export const QUIC_HOST_NAME = "bench.example";
export const QUIC_PORT = 4433;
export const QUIC_FILE = "/file.bin";
/** More than any run takes; sparse. */
const FILE_BYTES = 2 ** 32;
const START_TIMEOUT_MS = 15_000;

/** caddy, serving one large file over HTTP/3 and nothing else. */
export interface QuicServer {
  /** SHA-256 of the certificate's public key, base64, as chromium's --ignore-certificate-errors-spki-list wants it. */
  readonly keyHash: string;
  /** `request.proto` of each answered request so far. */
  protocols(): readonly string[];
  stop(): Promise<void>;
}

/** `host`: the address it is reached at; of several, the answers would come from the first. */
export async function startQuicServer(namespace: string, host: string, labDirectory: string): Promise<QuicServer> {
  const directory = join(labDirectory, "caddy");
  mkdirSync(join(directory, "www"), { recursive: true });
  writeFileSync(join(directory, "www", "index.html"), "<!doctype html><title>bench</title>");
  writeFileSync(join(directory, "www", QUIC_FILE), "");
  truncateSync(join(directory, "www", QUIC_FILE), FILE_BYTES);
  const keyHash = await createCertificate(directory);
  const accessLog = join(directory, "access.log");
  writeFileSync(join(directory, "Caddyfile"), caddyfile(host, directory, accessLog));
  const log = join(directory, "caddy.log");
  const environment = [`HOME=${directory}`, `XDG_DATA_HOME=${directory}`, `XDG_CONFIG_HOME=${directory}`];
  const command = [
    "env",
    ...environment,
    "caddy",
    "run",
    "--config",
    join(directory, "Caddyfile"),
    "--adapter",
    "caddyfile",
  ];
  const caddy = start(command, { namespace, logPath: log });
  await untilServing(caddy, log);
  return {
    keyHash,
    protocols: () => readFileSync(accessLog, "utf8").split("\n").filter(Boolean).map(protocolOf),
    stop: async () => void (await caddy.stop()),
  };
}

/** Protocol h3 alone: no TCP port is open, so nothing can fall back to it. */
function caddyfile(host: string, directory: string, accessLog: string): string {
  return `{
  admin off
  auto_https off
  servers {
    protocols h3
  }
}
https://${QUIC_HOST_NAME}:${QUIC_PORT} {
  bind ${host}
  tls ${join(directory, "certificate.pem")} ${join(directory, "key.pem")}
  root * ${join(directory, "www")}
  file_server
  log {
    output file ${accessLog}
    format json
  }
}
`;
}

/** A self-signed certificate. Returns the hash of its public key. */
async function createCertificate(directory: string): Promise<string> {
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  await run([
    ..."openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
    ...["-subj", `/CN=${QUIC_HOST_NAME}`, "-addext", `subjectAltName=DNS:${QUIC_HOST_NAME}`],
    ...["-keyout", key, "-out", certificate],
  ]);
  const spki = createPublicKey(readFileSync(certificate)).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

async function untilServing(caddy: Running, log: string): Promise<void> {
  let hasEnded = false;
  void caddy.exited.then(() => {
    hasEnded = true;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!hasEnded && Date.now() < deadline) {
    if (readFileSync(log, "utf8").includes("serving initial configuration")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await caddy.stop();
  throw new Error(`caddy did not start: ${readFileSync(log, "utf8").slice(-2000)}`);
}

function protocolOf(line: string): string {
  return (JSON.parse(line) as { request: { proto: string } }).request.proto;
}

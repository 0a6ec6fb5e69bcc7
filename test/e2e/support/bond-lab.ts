import { existsSync } from "node:fs";
import { join } from "node:path";
import { SERVER_ADDRESS } from "../../lab/plan.ts";
import type { LinkProfile } from "../../lab/profiles.ts";
import { createLab, type Lab } from "../../lab/topology.ts";
import { configure, mustRun, ProductNode, type Settings } from "./product-node.ts";

export interface BondLabOptions {
  readonly prefix: string;
  readonly links: readonly LinkProfile[];
  /** Names of the clients, one namespace each. Default: one, "van". */
  readonly clients?: readonly string[];
  /** Client namespaces, if more than there are clients to be started. */
  readonly namespaces?: number;
  /** What is to stand in the lab before the product is started. */
  readonly prepare?: (lab: Lab) => Promise<void>;
  readonly server?: Settings;
  readonly client?: Settings;
  /** Bound of TCP's windows, bytes. */
  readonly tcpBufferBytes?: number;
}

/** A lab in which the product runs: a server and a client, or several, joined and ready. */
export interface BondLab {
  readonly lab: Lab;
  readonly server: ProductNode;
  /** The first client. */
  readonly client: ProductNode;
  readonly clients: readonly ProductNode[];
  /** Ends the product and removes the lab, whatever state they are in. */
  destroy(): Promise<void>;
}

export async function createBondLab(options: BondLabOptions): Promise<BondLab> {
  const names = options.clients ?? ["van"];
  const lab = await createLab({
    prefix: options.prefix,
    links: options.links,
    clients: Math.max(names.length, options.namespaces ?? 0),
    ...(options.tcpBufferBytes === undefined ? {} : { tcpBufferBytes: options.tcpBufferBytes }),
  });
  const nodes: ProductNode[] = [];
  const destroy = async (): Promise<void> => {
    for (const node of nodes) await node.closeDoor();
    await lab.destroy();
  };
  try {
    await options.prepare?.(lab);
    const stateDir = join(lab.directory, "server");
    const server = await initServer(stateDir, lab.server, SERVER_ADDRESS, options.server);
    nodes.push(server);
    for (const [i, name] of names.entries()) {
      const directory = join(lab.directory, name);
      nodes.push(await addClient(stateDir, name, directory, lab.plan.clients[i]!.namespace, options.client));
    }
    await server.start();
    const clients = nodes.slice(1);
    await Promise.all(clients.map((client) => client.start()));
    return { lab, server, client: clients[0]!, clients, destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}

/** Keys, certificates and configuration of a server, as an operator makes them. Nothing is started. */
export async function initServer(
  stateDir: string,
  namespace: string,
  host: string,
  settings: Settings = {},
): Promise<ProductNode> {
  if (!existsSync(join(stateDir, "config.yaml")))
    await mustRun("server", ["init", "--state-dir", stateDir, "--host", host]);
  configure(join(stateDir, "config.yaml"), settings);
  return new ProductNode(join(stateDir, "config.yaml"), namespace);
}

/** A client known to the server of `stateDir`, its files in `directory`. Nothing is started. */
export async function addClient(
  stateDir: string,
  name: string,
  directory: string,
  namespace: string,
  settings: Settings = {},
): Promise<ProductNode> {
  await mustRun("server", ["client", "add", name, "--state-dir", stateDir, "--out", directory]);
  configure(join(directory, "config.yaml"), { state_dir: join(directory, "state"), node: name, ...settings });
  return new ProductNode(join(directory, "config.yaml"), namespace);
}

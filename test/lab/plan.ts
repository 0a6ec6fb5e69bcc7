/** Names and addresses of a lab, worked out before anything is built. topology.ts has the drawing. */
import type { LinkProfile } from "./profiles.ts";
import { labDirectory } from "./state.ts";

export const SERVER_ADDRESS = "203.0.113.1";
export const SERVER_ADDRESS_V6 = "2001:db8:113::1";
export const INTERNET_HOST = "198.51.100.2";
export const INTERNET_HOST_V6 = "2001:db8:100::2";
/** The server's address towards the internet: what masqueraded traffic comes from. */
export const SERVER_WAN_ADDRESS = "198.51.100.1";

const CLIENTS_MAX = 5;
const LINKS_PER_CLIENT_MAX = 9;

export interface LabOptions {
  readonly prefix: string;
  readonly links: readonly LinkProfile[];
  /** Each client has all links. Default 1. */
  readonly clients?: number;
  /** Plain veth pairs take the place of emulated links; the profiles' figures are not applied. */
  readonly unshaped?: boolean;
  readonly seed?: number;
  /** Upper bound of TCP's windows in every namespace; default is the kernel's own. */
  readonly tcpBufferBytes?: number | undefined;
}

export interface LabLink {
  readonly device: string;
  readonly address: string;
  readonly addressV6: string;
  readonly gateway: string;
  readonly gatewayV6: string;
  readonly metric: number;
  /** Index in the emulator. */
  readonly index: number;
  /** The other end, in the namespace of the access networks. */
  readonly farDevice: string;
}

export interface LabClient {
  readonly namespace: string;
  readonly lanNamespace: string;
  readonly lanHost: string;
  readonly links: readonly LabLink[];
}

export interface LabPlan {
  readonly prefix: string;
  readonly directory: string;
  readonly access: string;
  readonly server: string;
  readonly internet: string;
  readonly clients: readonly LabClient[];
  readonly namespaces: readonly string[];
  readonly unshaped: boolean;
}

export function planLab(options: LabOptions): LabPlan {
  const { prefix, links, clients: clientCount = 1 } = options;
  if (links.length > LINKS_PER_CLIENT_MAX || clientCount > CLIENTS_MAX) {
    throw new Error(`a lab has at most ${CLIENTS_MAX} clients with ${LINKS_PER_CLIENT_MAX} links each`);
  }
  const clients = Array.from({ length: clientCount }, (_, number): LabClient => {
    const suffix = number === 0 ? "" : String(number + 1);
    return {
      namespace: `${prefix}-c${suffix}`,
      lanNamespace: `${prefix}-l${suffix}`,
      lanHost: `192.168.${77 + number}.2`,
      links: links.map((profile, place) => planLink(profile, place, number * links.length + place, 11 + 10 * number)),
    };
  });
  const [access, server, internet] = [`${prefix}-r`, `${prefix}-s`, `${prefix}-w`];
  const namespaces = [access, server, internet, ...clients.flatMap((each) => [each.namespace, each.lanNamespace])];
  const unshaped = options.unshaped ?? false;
  return { prefix, directory: labDirectory(prefix), access, server, internet, clients, namespaces, unshaped };
}

function planLink(profile: LinkProfile, place: number, index: number, firstNet: number): LabLink {
  const net = firstNet + place;
  return {
    device: profile.name ?? `link${place}`,
    address: `10.${net}.0.2`,
    addressV6: `fd${net}::2`,
    gateway: `10.${net}.0.1`,
    gatewayV6: `fd${net}::1`,
    metric: 100 + place,
    index,
    farDevice: `net${index}`,
  };
}

/** Name of a link's client end while it is in the access namespace. */
export function near(link: LabLink): string {
  return `near${link.index}`;
}

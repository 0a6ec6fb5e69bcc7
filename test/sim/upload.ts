import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const PORT = 40_001;

/** A world of such links, the same in both directions, and one large upload by CUBIC in it. Times in µs. */
export function createUpload(
  links: readonly LinkOptions[],
  startAt: number,
  stopAt: number,
): { readonly world: World; readonly flow: TcpFlow } {
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.client, world.server, { port: PORT, congestion: "cubic", startAt, stopAt });
  world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.add(flow);
  return { world, flow };
}

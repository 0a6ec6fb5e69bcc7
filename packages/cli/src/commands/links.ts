import { common, type management, management as messages } from "@edgebos/proto";
import { askApi } from "../api-client.ts";
import type { Invocation } from "../command.ts";
import { EXIT } from "../errors.ts";
import { milliseconds, percent, rate, table } from "../format.ts";
import { locateRunning } from "../instance/locate.ts";

/** Shows each link, with what it carries and how it is. */
export async function links({ role, options, json }: Invocation): Promise<number> {
  const record = await locateRunning(role, options);
  const answer = (await askApi(record, "/api/v1/links")) as object;
  if (json) process.stdout.write(`${JSON.stringify({ links: [], ...answer })}\n`);
  else process.stdout.write(linksText(messages.LinkList.fromJSON(answer)));
  return EXIT.ok;
}

/** The whole text of `links`. Up is from this machine to its peer. */
export function linksText({ links }: management.LinkList): string {
  if (links.length === 0)
    return "There is no link: no interface has both an address and a gateway, or all are excluded.\n";
  const ofPeers = links.some(({ path, link }) => link === undefined && path !== undefined);
  const head = ["LINK", "KIND", "CONDITION", "UP", "DOWN", "RTT", "LOSS", "CAPACITY UP", "DOWN", "MTU", "ROLE", "WHY"];
  const rows = links.map((entry) => [...(ofPeers ? [entry.path?.peer ?? ""] : []), ...cells(entry)]);
  return table(ofPeers ? ["PEER", ...head] : head, rows);
}

function cells({ link, path, plan }: management.LinkStatus): string[] {
  const quality = link?.quality;
  const condition =
    link === undefined
      ? word(common.pathStateToJSON(path?.state ?? common.PathState.UNSPECIFIED))
      : word(common.linkConditionToJSON(link.condition));
  const role = word(common.linkRoleToJSON(plan?.role ?? link?.role ?? common.LinkRole.UNSPECIFIED));
  return [
    link?.name ?? path?.link ?? "",
    word(common.linkKindToJSON(link?.kind ?? common.LinkKind.UNSPECIFIED)),
    condition,
    rate(path?.txRateBps ?? quality?.rateUpBps ?? 0),
    rate(path?.rxRateBps ?? quality?.rateDownBps ?? 0),
    milliseconds(quality?.rttUs || path?.srttUs || 0),
    percent(quality?.lossPpm ?? path?.lossPpm ?? 0),
    known(quality?.capacityUpBps || path?.capacityBps || 0),
    known(quality?.capacityDownBps || path?.peerCapacityBps || 0),
    String(path?.mtuBytes || link?.mtuBytes || "-"),
    plan !== undefined && !plan.enabled ? `${role}, resting` : role,
    [link?.reason, plan?.reason].filter((reason) => reason !== undefined && reason !== "").join("; "),
  ];
}

/** `LINK_KIND_USB_TETHERING` and `USB_TETHERING` as `usb tethering`; a dash for UNSPECIFIED. */
function word(name: string): string {
  const bare = name.replace(/^(LINK_KIND|LINK_CONDITION|LINK_ROLE|PATH_STATE)_/, "");
  return bare === "UNSPECIFIED" ? "-" : bare.toLowerCase().replaceAll("_", " ");
}

function known(bps: number): string {
  return bps === 0 ? "-" : rate(bps);
}

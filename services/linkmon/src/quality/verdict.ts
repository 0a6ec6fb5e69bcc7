import { common } from "@edgebos/proto";
import { type Uplink, usableSources } from "../detect/uplink.ts";

const { LinkCondition, LinkKind } = common;

/** What a link looks like at one moment. */
export interface Verdict {
  readonly condition: common.LinkCondition;
  readonly cause: string;
  readonly reason: string;
}

/** Why an interface that is not usable is not, in the order in which a person would look. */
export function interfaceVerdict(uplink: Uplink): Verdict {
  if (uplink.ifindex === 0) return down("absent", "This machine has no interface of this name at the moment.");
  if (!uplink.up) return down("off", "The interface is switched off.");
  if (!uplink.carrier) return down("no-carrier", NO_CARRIER.get(uplink.kind) ?? "The interface has no carrier.");
  if (uplink.sources.length === 0) return down("no-address", "Has no address yet: no answer from DHCP or the router.");
  if (usableSources(uplink).length === 0) {
    return down(
      "no-gateway",
      "Has an address but no default gateway, so nothing beyond its own network can be reached.",
    );
  }
  return down("unusable", "The interface cannot carry traffic.");
}

function down(cause: string, reason: string): Verdict {
  return { condition: LinkCondition.DOWN, cause, reason };
}

const NO_CARRIER: ReadonlyMap<common.LinkKind, string> = new Map([
  [LinkKind.ETHERNET, "No carrier: the cable is unplugged or the other end is off."],
  [LinkKind.WIFI, "Not connected to any Wi-Fi network."],
  [LinkKind.CELLULAR, "The modem has no data connection."],
  [LinkKind.USB_TETHERING, "The phone or modem at the USB port offers no connection."],
]);

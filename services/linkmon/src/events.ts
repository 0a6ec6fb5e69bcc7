import { common, type link } from "@edgebos/proto";
import type { EventSeverity, Events } from "@edgebos/service";
import type { LinkOutput } from "./links/link-book.ts";

const { LinkCondition, LinkKind } = common;

/** Tells a person what happened to a link; changes of quality alone are no event. */
export function publishEvent(events: Events, output: LinkOutput): void {
  const { link } = output;
  switch (output.kind) {
    case "found":
      events.publish(
        "info",
        "link-found",
        `${link.name} (${KIND_NAMES[link.kind]}) is a link of the bond.`,
        fields(link),
      );
      return;
    case "gone":
      events.publish("warning", "link-gone", `${link.name} is gone and is no link of the bond any more.`, fields(link));
      return;
    case "changed": {
      const { severity, code, verb } = CONDITION_EVENTS[link.condition];
      events.publish(severity, code, `${link.name} ${verb}. ${link.reason}`, {
        ...fields(link),
        previous: common.linkConditionToJSON(output.previous),
      });
      return;
    }
    default:
      return;
  }
}

function fields(link: link.Link): Record<string, string> {
  return { link: link.name, condition: common.linkConditionToJSON(link.condition) };
}

/** The words of the lists in the dashboard and on the command line. */
const KIND_NAMES: Readonly<Record<common.LinkKind, string>> = {
  [LinkKind.UNSPECIFIED]: "unknown kind",
  [LinkKind.ETHERNET]: "Ethernet",
  [LinkKind.WIFI]: "Wi-Fi",
  [LinkKind.CELLULAR]: "cellular",
  [LinkKind.SATELLITE]: "satellite",
  [LinkKind.USB_TETHERING]: "USB tethering",
  [LinkKind.PPP]: "PPP",
  [LinkKind.VPN]: "VPN",
};

interface ConditionEvent {
  readonly severity: EventSeverity;
  readonly code: string;
  readonly verb: string;
}

const CONDITION_EVENTS: Readonly<Record<common.LinkCondition, ConditionEvent>> = {
  [LinkCondition.UNSPECIFIED]: { severity: "info", code: "link-unknown", verb: "is in no known condition" },
  [LinkCondition.DOWN]: { severity: "warning", code: "link-down", verb: "is down" },
  [LinkCondition.CONNECTING]: { severity: "info", code: "link-connecting", verb: "is connecting" },
  [LinkCondition.UP]: { severity: "info", code: "link-up", verb: "is up" },
  [LinkCondition.DEGRADED]: { severity: "warning", code: "link-degraded", verb: "is degraded" },
  [LinkCondition.STALLED]: { severity: "warning", code: "link-stalled", verb: "is stalled" },
};

import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { LinkInfo } from "@edgebos/linux-io";
import type { InterfaceFacts } from "./kind.ts";

/**
 * Completes what netlink says of an interface with what sysfs says. Missing files (a virtual device, another
 * namespace's sysfs) are missing facts.
 */
export function interfaceFacts(link: LinkInfo, root = "/sys/class/net"): InterfaceFacts {
  const directory = join(root, link.name);
  return {
    hardwareType: link.hardwareType,
    driverKind: link.driverKind,
    driver: linkTarget(join(directory, "device", "driver")),
    deviceType: deviceType(join(directory, "uevent")),
    wireless: existsSync(join(directory, "wireless")) || existsSync(join(directory, "phy80211")),
  };
}

function linkTarget(path: string): string {
  try {
    return basename(readlinkSync(path));
  } catch {
    return "";
  }
}

function deviceType(path: string): string {
  try {
    return /^DEVTYPE=(.+)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

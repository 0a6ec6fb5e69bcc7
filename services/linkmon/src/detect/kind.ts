import { common } from "@edgebos/proto";

const { LinkKind } = common;

/** What the kernel says of an interface that tells its kind. Absent facts are empty. */
export interface InterfaceFacts {
  /** ARPHRD_* of if_arp.h. */
  readonly hardwareType: number;
  /** IFLA_INFO_KIND: "veth", "tun", "wireguard", …; empty for hardware. */
  readonly driverKind: string;
  /** Base name of /sys/class/net/<if>/device/driver. */
  readonly driver: string;
  /** DEVTYPE of /sys/class/net/<if>/uevent. */
  readonly deviceType: string;
  /** /sys/class/net/<if>/wireless or phy80211 exists. */
  readonly wireless: boolean;
}

/**
 * The kind of an interface, as far as the kernel knows it. A satellite terminal is Ethernet to the kernel, and so is a
 * modem that acts as a router; a USB modem stick in router mode looks like a tethered phone. Only configuration can
 * tell these apart.
 */
export function linkKind(facts: InterfaceFacts): common.LinkKind {
  if (facts.wireless || facts.deviceType === "wlan") return LinkKind.WIFI;
  if (facts.deviceType === "wwan" || CELLULAR_DRIVERS.has(facts.driver)) return LinkKind.CELLULAR;
  if (facts.hardwareType === HARDWARE.RAW_IP) return LinkKind.CELLULAR;
  if (facts.hardwareType === HARDWARE.PPP) return LinkKind.PPP;
  if (TUNNEL_KINDS.has(facts.driverKind)) return LinkKind.VPN;
  if (facts.driverKind === "tun" && facts.hardwareType !== HARDWARE.ETHERNET) return LinkKind.VPN;
  if (TETHERING_DRIVERS.has(facts.driver)) return LinkKind.USB_TETHERING;
  return facts.hardwareType === HARDWARE.ETHERNET ? LinkKind.ETHERNET : LinkKind.UNSPECIFIED;
}

/** ARPHRD_* of include/uapi/linux/if_arp.h. */
export const HARDWARE = { ETHERNET: 1, PPP: 512, RAW_IP: 519, LOOPBACK: 772, NONE: 65534 } as const;

/** drivers/net/usb and drivers/net/wwan: modems that give the host an address of the operator's network. */
const CELLULAR_DRIVERS = new Set([
  "qmi_wwan",
  "cdc_mbim",
  "huawei_cdc_ncm",
  "sierra_net",
  "hso",
  "mhi_net",
  "mhi_wwan_mbim",
  "mtk_t7xx",
  "iosm",
]);

/** USB network gadgets of phones. */
const TETHERING_DRIVERS = new Set(["rndis_host", "cdc_ether", "ipheth", "cdc_ncm", "cdc_eem", "cdc_subset"]);

/**
 * IFLA_INFO_KIND of interfaces that carry IP inside something else. A `tun` device may also be a tap, which is
 * Ethernet.
 */
const TUNNEL_KINDS = new Set(["wireguard", "gre", "gretap", "ip6gre", "ipip", "ip6tnl", "sit", "vti", "vti6", "xfrm"]);

import assert from "node:assert/strict";
import { test } from "node:test";
import { common } from "@edgebos/proto";
import { HARDWARE, type InterfaceFacts, linkKind } from "./kind.ts";

const { LinkKind } = common;
const ETHERNET: InterfaceFacts = {
  hardwareType: HARDWARE.ETHERNET,
  driverKind: "",
  driver: "",
  deviceType: "",
  wireless: false,
};

test("a wired card, a veth and a tap are Ethernet", () => {
  assert.equal(linkKind({ ...ETHERNET, driver: "e1000e" }), LinkKind.ETHERNET);
  assert.equal(linkKind({ ...ETHERNET, driverKind: "veth" }), LinkKind.ETHERNET);
  assert.equal(linkKind({ ...ETHERNET, driverKind: "tun" }), LinkKind.ETHERNET);
});

test("Wi-Fi is known by its wireless directory or its device type", () => {
  assert.equal(linkKind({ ...ETHERNET, wireless: true, driver: "iwlwifi" }), LinkKind.WIFI);
  assert.equal(linkKind({ ...ETHERNET, deviceType: "wlan" }), LinkKind.WIFI);
});

test("modems are cellular by driver, by device type and by raw IP framing", () => {
  assert.equal(linkKind({ ...ETHERNET, driver: "cdc_mbim" }), LinkKind.CELLULAR);
  assert.equal(linkKind({ ...ETHERNET, driver: "cdc_ncm", deviceType: "wwan" }), LinkKind.CELLULAR);
  assert.equal(linkKind({ ...ETHERNET, hardwareType: HARDWARE.RAW_IP }), LinkKind.CELLULAR);
});

test("a phone on USB is tethering, a PPP interface is PPP", () => {
  assert.equal(linkKind({ ...ETHERNET, driver: "rndis_host" }), LinkKind.USB_TETHERING);
  assert.equal(linkKind({ ...ETHERNET, driver: "ipheth" }), LinkKind.USB_TETHERING);
  assert.equal(linkKind({ ...ETHERNET, hardwareType: HARDWARE.PPP }), LinkKind.PPP);
});

test("tunnels of others are VPNs", () => {
  assert.equal(linkKind({ ...ETHERNET, hardwareType: HARDWARE.NONE, driverKind: "wireguard" }), LinkKind.VPN);
  assert.equal(linkKind({ ...ETHERNET, hardwareType: HARDWARE.NONE, driverKind: "tun" }), LinkKind.VPN);
  assert.equal(linkKind({ ...ETHERNET, hardwareType: 778, driverKind: "gre" }), LinkKind.VPN);
});

test("what the kernel does not tell is not guessed", () => {
  assert.equal(linkKind({ ...ETHERNET, hardwareType: HARDWARE.NONE }), LinkKind.UNSPECIFIED);
});

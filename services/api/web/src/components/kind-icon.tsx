import type { LinkKind } from "../model.ts";

/** The kind of a link as a picture; the words stand beside it. */
export function KindIcon({ kind, colour }: { kind: LinkKind | undefined; colour: string }) {
  return (
    <svg class="kind" viewBox="0 0 24 24" style={{ color: colour }} aria-hidden="true">
      <path d={SHAPES[kind ?? "LINK_KIND_UNSPECIFIED"]} />
    </svg>
  );
}

const CABLE = "M4 7h16v10h-4v3H8v-3H4zM8 7v4m4-4v4m4-4v4";
const SHAPES: Readonly<Record<LinkKind, string>> = {
  LINK_KIND_UNSPECIFIED: "M4 12h16M15 7l5 5-5 5",
  LINK_KIND_ETHERNET: CABLE,
  LINK_KIND_WIFI: "M2 9a15 15 0 0 1 20 0M5.5 12.8a10 10 0 0 1 13 0M9 16.4a5 5 0 0 1 6 0M12 20h.01",
  LINK_KIND_CELLULAR: "M4 20v-4M9.3 20v-8M14.7 20V8M20 20V4",
  LINK_KIND_SATELLITE: "M4 10a7.5 7.5 0 0 0 10 10zM9 15l4-4M13 7a4 4 0 0 1 4 4M13 3a8 8 0 0 1 8 8",
  LINK_KIND_USB_TETHERING: "M8 3h8v18H8zM11 18h2M2 9l3 3-3 3M22 9l-3 3 3 3",
  LINK_KIND_PPP: "M3 12h6M15 12h6M9 8h6v8H9z",
  LINK_KIND_VPN: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
};

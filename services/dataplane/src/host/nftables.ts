/** Texts for `nft -f -`: one table per tunnel device. Pure; `host.ts` runs them. */

export interface ServerRules {
  readonly kind: "server";
  readonly device: string;
  /** The pools of inner addresses. */
  readonly poolV4: string;
  readonly poolV6: string;
  /** Interface towards the internet; empty = any but the tunnel. */
  readonly uplink: string;
  readonly masquerade: boolean;
}

export interface ClientRules {
  readonly kind: "client";
  readonly device: string;
  readonly innerV4: string;
  readonly innerV6: string;
  readonly masquerade: boolean;
}

/** Name of the table in family `inet`. */
export function tableName(device: string): string {
  return `edgebos_${device.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

/** Makes the table, in place of one that is there, in one transaction. */
export function tableText(rules: ServerRules | ClientRules): string {
  const table = `table inet ${tableName(rules.device)}`;
  return [
    table,
    `delete ${table}`,
    `${table} {`,
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    iifname "${rules.device}" tcp flags syn tcp option maxseg size set rt mtu`,
    `    oifname "${rules.device}" tcp flags syn tcp option maxseg size set rt mtu`,
    "  }",
    ...(rules.masquerade ? masqueradeChain(rules) : []),
    "}",
    "",
  ].join("\n");
}

/** Deletes the table whether it is there or not. */
export function tableRemovalText(device: string): string {
  const table = `table inet ${tableName(device)}`;
  return `${table}\ndelete ${table}\n`;
}

function masqueradeChain(rules: ServerRules | ClientRules): string[] {
  return [
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    ...(rules.kind === "server" ? serverMasquerade(rules) : clientMasquerade(rules)),
    "  }",
  ];
}

function serverMasquerade(rules: ServerRules): string[] {
  const out = rules.uplink === "" ? `oifname != "${rules.device}"` : `oifname "${rules.uplink}"`;
  return [
    `    ip saddr ${rules.poolV4} ip daddr != ${rules.poolV4} ${out} masquerade`,
    `    ip6 saddr ${rules.poolV6} ip6 daddr != ${rules.poolV6} ${out} masquerade`,
  ];
}

/** The server drops what does not come from the client's own inner address, so everything that leaves must have it. */
function clientMasquerade(rules: ClientRules): string[] {
  return [
    `    oifname "${rules.device}" ip saddr != ${rules.innerV4} masquerade`,
    `    oifname "${rules.device}" ip6 saddr != { ${rules.innerV6}, fe80::/10 } masquerade`,
  ];
}

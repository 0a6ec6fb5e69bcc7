export type Role = "client" | "server";
export type Algorithm = "round-robin" | "weighted" | "latency-based" | "adaptive" | "redundant";
export type LinkRole = "primary" | "backup" | "metered";
export type RoutingMode = "default" | "split" | "none";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
export type LogFormat = "pretty" | "json";

/** What the operator says of one interface. */
export interface ManualInterface {
  readonly name: string;
  /** 1 is the most wanted; 0 = not given. */
  readonly priority: number;
  /** Relative share for the `weighted` algorithm, > 0. */
  readonly weight: number;
  /** 0 = none. */
  readonly rate_limit_mbit: number;
  readonly role: LinkRole;
}

/** The validated configuration with every default filled in. Keys are spelled as in the file; `config.example.yaml` explains them. */
export interface Config {
  readonly role: Role;
  readonly node: string;
  /** Client: where the server is. Server: the name that clients reach it by, and the TCP and UDP port it listens on. */
  readonly server: { readonly host: string; readonly port: number };
  readonly interfaces: {
    readonly auto_detect: boolean;
    readonly manual: readonly ManualInterface[];
    /** Names, or beginnings of names followed by `*`. */
    readonly exclude: readonly string[];
  };
  readonly bonding: {
    readonly algorithm: Algorithm;
    /** Links that each packet takes under `redundant`; 0 = all. */
    readonly copies: number;
    /** Forward error correction of calls and control, where links lose packets. */
    readonly fec: "auto" | "off";
  };
  /** Absolute paths of PEM files. */
  readonly security: { readonly certificate: string; readonly key: string; readonly ca: string };
  readonly tunnel: {
    readonly interface: string;
    /** Bytes; 0 = automatic. */
    readonly mtu: number;
    /** CIDR. */
    readonly pool_ipv4: string;
    /** CIDR. */
    readonly pool_ipv6: string;
  };
  readonly routing: {
    readonly mode: RoutingMode;
    /** CIDRs that `split` sends through the tunnel. */
    readonly routes: readonly string[];
    readonly masquerade: boolean;
    /** Server: the interface that traffic leaves by; empty = any but the tunnel. */
    readonly uplink: string;
  };
  /** Absolute path. */
  readonly state_dir: string;
  /** Each is `host:port`; read it with `parseEndpoint`. */
  readonly listen: {
    readonly grpc: string;
    readonly http: string;
    readonly nats: string;
    readonly metrics: { readonly dataplane: string; readonly linkmon: string; readonly scheduler: string };
  };
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
}

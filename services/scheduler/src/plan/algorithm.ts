import { common } from "@edgebos/proto";
import type { Algorithm } from "@edgebos/service";

/** The algorithm of the configuration as the bus carries it. */
export function algorithmMessage(name: Algorithm): common.Algorithm {
  return MESSAGES[name];
}

/** As the configuration spells it. */
export function algorithmName(message: common.Algorithm): string {
  return Object.entries(MESSAGES).find(([, value]) => value === message)?.[0] ?? "unspecified";
}

const MESSAGES: Readonly<Record<Algorithm, common.Algorithm>> = {
  "round-robin": common.Algorithm.ROUND_ROBIN,
  weighted: common.Algorithm.WEIGHTED,
  "latency-based": common.Algorithm.LATENCY_BASED,
  adaptive: common.Algorithm.ADAPTIVE,
  redundant: common.Algorithm.REDUNDANT,
};

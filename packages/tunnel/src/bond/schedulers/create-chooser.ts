import type { Algorithm } from "../../types.ts";
import { assertNever } from "../../types.ts";
import { AdaptiveChooser } from "./adaptive.ts";
import { LatencyBasedChooser } from "./latency-based.ts";
import type { PathChooser } from "./path-chooser.ts";
import { RedundantChooser } from "./redundant.ts";
import { RoundRobinChooser } from "./round-robin.ts";
import { WeightedChooser } from "./weighted.ts";

export function createChooser(algorithm: Algorithm): PathChooser {
  switch (algorithm) {
    case "round-robin":
      return new RoundRobinChooser();
    case "weighted":
      return new WeightedChooser();
    case "latency-based":
      return new LatencyBasedChooser();
    case "adaptive":
      return new AdaptiveChooser();
    case "redundant":
      return new RedundantChooser();
    default:
      return assertNever(algorithm);
  }
}

import { createHash } from "node:crypto";

/** Names one version of a configuration file's text. Equal texts have equal revisions. */
export function configRevision(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

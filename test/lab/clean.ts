/** `node test/lab/clean.ts [prefix…]`: removes the named labs, or all that have left a state file. */
import { knownPrefixes, removeLab } from "./state.ts";

const named = process.argv.slice(2);
for (const prefix of named.length > 0 ? named : knownPrefixes()) {
  await removeLab(prefix);
  console.log(`removed lab "${prefix}"`);
}

import { type Invocation, numberOption, textOption } from "../command.ts";
import { CommandError, EXIT } from "../errors.ts";
import type { Validity } from "../pki/certificate.ts";
import { LEAF_DAYS, validity } from "../pki/server-files.ts";

/** Validity of a leaf certificate from `--days` or `--not-after`. */
export function leafValidity(invocation: Invocation): Validity {
  const text = textOption(invocation, "not-after");
  const notAfter = text === undefined ? undefined : new Date(text);
  if (notAfter !== undefined && Number.isNaN(notAfter.getTime())) {
    throw new CommandError(
      "usage",
      `--not-after must be a date such as 2027-01-31T12:00:00Z, not "${text}"`,
      EXIT.usage,
    );
  }
  return validity(new Date(), numberOption(invocation, "days", LEAF_DAYS), notAfter);
}

/** What the commands below test/ share: what a command line says is taken, or refused with a sentence that says what is wanted. */

/** @throws Error with a sentence for the user. */
export function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`${option} ${text}: a whole number from ${least} up is wanted.`);
}

/** The known names that are given, in their known order. @throws Error with a sentence for the user. */
export function oneOf<T extends string>(option: string, given: readonly string[], known: readonly T[]): T[] {
  for (const name of given) {
    if (!(known as readonly string[]).includes(name))
      throw new Error(`${option} ${name}: there are ${known.join(", ")}.`);
  }
  return known.filter((name) => given.includes(name));
}

/** Ends the program with what is wrong and how it is used, if the command line cannot be taken. */
export function orExit<T>(usage: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(1);
  }
}

import type { TestContext } from "node:test";

/** How often a test that measures time may be tried. */
export const ATTEMPTS = 3;

/**
 * Runs `body` until it passes, `ATTEMPTS` times at the most. What such a test asserts are times and rates, and a machine that others use at the
 * same moment can spoil one of them; a product that misses its bar misses it each time. Every attempt that failed is told.
 */
export async function attempts(t: TestContext, body: (t: TestContext) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await body(t);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      t.diagnostic(
        `attempt ${attempt} of ${ATTEMPTS} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

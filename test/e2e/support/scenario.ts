import { after, before, describe, type TestContext, test } from "node:test";
import { attempts } from "../../lab/attempts.ts";
import { missingForLab } from "../../lab/requirements.ts";

/** What the product needs of the machine, besides the lab. */
const PRODUCT_PROGRAMS = ["nats-server", "nft"];
const SETUP_TIMEOUT_MS = 90_000;

export interface Scenario {
  /** Runs once, before the first test. */
  before(action: () => Promise<void>): void;
  /** Runs at the end, also when something failed. */
  after(action: () => Promise<void>): void;
  test(name: string, body: (t: TestContext) => Promise<void>): void;
  /** A test of times, rates or what a process without processor time would lose: tried again where the machine spoilt it. */
  measure(name: string, body: (t: TestContext) => Promise<void>): void;
}

/**
 * Tests that share one running lab, in their order. Where root, TUN or a program is missing, each is skipped by its name with
 * the reason.
 */
export function scenario(name: string, programs: readonly string[], body: (scenario: Scenario) => void): void {
  const skip = missingForLab([...PRODUCT_PROGRAMS, ...programs]) ?? false;
  describe(name, () => {
    body({
      before: (action) => {
        if (skip === false) before(action, { timeout: SETUP_TIMEOUT_MS });
      },
      after: (action) => {
        if (skip === false) after(action);
      },
      test: (testName, testBody) => void test(testName, { skip }, testBody),
      measure: (testName, testBody) => void test(testName, { skip }, (t) => attempts(t, testBody)),
    });
  });
}

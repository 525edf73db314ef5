import { type Test, suite as uvuSuite } from 'uvu';

/** What a test file registers its tests on. */
export type Suite = Test & {
  /** Registers a test that cannot run here. The reason is printed and the test counts as skipped, never as passed. */
  unavailable(name: string, reason: string): void;
};

/**
 * Defines and runs a suite. There is no other way to make one in this project, so a suite that registers tests and
 * never runs them cannot exist.
 */
export function suite(name: string, define: (test: Suite) => void): void {
  const tests = uvuSuite(name) as Test & { unavailable?: Suite['unavailable'] };
  tests.unavailable = (title, reason) => {
    console.log(`skipped: ${name} › ${title}: ${reason}`);
    tests.skip(title, () => {});
  };
  define(tests as Suite);
  tests.run();
}

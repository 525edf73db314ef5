/**
 * The tables that every backend is held to in Node, in headless Chromium: the contract of backends, the ops forward and
 * their gradients, the kernels. One call of a page for each table and mode, ops and gradients in one, over one device.
 */
import * as assert from 'uvu/assert';
import { contract } from '../backends/contract/contract.js';
import { Browser, findChromium, noChromium } from '../support/browser/browser.js';
import { opCases } from '../support/cases.js';
import { gradientCases } from '../support/gradientCases.js';
import { kernelCases } from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import type { CasesResult, OpResults } from './gpuCaseRuns.js';
import { graphics } from './gpuGraphics.js';

const runs = import.meta.resolve('./gpuCaseRuns.js');

type Run = <Result>(name: string) => Promise<Result>;

/** What is run there, how many cases that are, and how many of them a mode may skip at most. */
function tablesOf(run: Run) {
  let ops: Promise<OpResults> | undefined;
  const runOps = () => (ops ??= run<OpResults>('runOps'));
  return [
    {
      ...{ title: 'the contract of backends', cases: contract.length, mostSkipped: 0 },
      result: () => run<CasesResult>('runContract'),
    },
    {
      ...{ title: 'every op forward', cases: opCases.length, mostSkipped: 12 },
      result: async () => (await runOps()).forward,
    },
    {
      ...{ title: 'the gradients of every op', cases: gradientCases.length, mostSkipped: 10 },
      result: async () => (await runOps()).gradients,
    },
    {
      ...{ title: 'every kernel case', cases: kernelCases.length, mostSkipped: 160 },
      result: () => run<CasesResult>('runKernelCases'),
    },
  ];
}

/** A line for each reason, with what it holds for: the names of a few, else their number. */
function printSkipped(where: string, skipped: CasesResult['skipped']): void {
  for (const reason of new Set(skipped.map(([, reason]) => reason))) {
    const names = skipped.flatMap(([name, why]) => (why === reason ? [name] : []));
    const what = names.length > 10 ? `${names.length} cases` : names.join('; ');
    // on a line of its own: the reporter has written bullets
    console.log(`\nskipped: ${where} › ${what}: ${reason}`);
  }
}

for (const mode of ['webgpu', 'webgl2'] as const) {
  const name = `tables in Chromium, gpu.js's mode ${mode}`;
  suite(name, (test) => {
    let browser: Browser;
    const tables = tablesOf((name) => browser.run(runs, name, mode, { seconds: 600 }));
    const chromium = findChromium();
    if (chromium === undefined) {
      for (const { title } of tables) test.unavailable(title, noChromium);
      return;
    }
    test.before(async () => {
      browser = await Browser.open(chromium, { graphics: graphics[mode] });
    });
    test.after(() => browser.close());

    for (const { title, cases, mostSkipped, result: resultOf } of tables) {
      test(title, async () => {
        const result = await resultOf();
        assert.is(result.mode, mode);
        assert.match(result.adapter!, /swiftshader/i);
        printSkipped(`${name} › ${title}`, result.skipped);
        assert.equal(result.failures, []);
        const { size: passed } = new Set(result.passed);
        assert.is(passed + result.skipped.length, cases);
        assert.ok(passed >= cases - mostSkipped, `${passed} of ${cases} cases`);
      });
    }
  });
}

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Plot } from '../../bench/support/bench.js';
import { askChild } from '../../bench/support/child.js';
import { processorClock } from '../../bench/support/clock.js';
import { ensure } from '../../bench/support/ensure.js';
import { formatTable, threadCount, threeDigits } from '../../bench/support/format.js';
import { describeMachine, describeVersions, packageRoot } from '../../bench/support/machine.js';
import {
  interleave,
  rateOf,
  type Sampling,
  secondsOf,
  shareOf,
  speedUp,
} from '../../bench/support/measure.js';
import { drawPlot } from '../../bench/support/plot.js';
import { type BenchResult, writeResult } from '../../bench/support/results.js';
import { quantile, summarize } from '../../bench/support/statistics.js';
import { Yardsticks } from '../../bench/support/yardsticks.js';
import { BackendError, ModelError, UsageError } from '../../src/core/errors.js';
import { rejects, throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

suite('bench statistics', (test) => {
  test('quantiles are linear between neighbors', () => {
    assert.is(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.is(quantile([4, 1, 3, 2], 0), 1);
    assert.is(quantile([4, 1, 3, 2], 1), 4);
    assert.is(quantile([10, 20], 0.25), 12.5);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  test('a summary is a median between quartiles', () => {
    assert.equal(summarize([5, 1, 2, 3, 4]), { median: 3, low: 2, high: 4, count: 5 });
  });
});

/** Subjects on a clock of their own: nothing is really measured. */
function pretence(secondsEach: Record<string, number>) {
  let now = 0;
  const order: string[] = [];
  const clock = () => now;
  const subjects = Object.entries(secondsEach).map(([name, seconds]) => ({
    name,
    clock,
    yardstick: { rate: () => 10 },
    run: async (repeats: number) => {
      order.push(`${name} ${repeats}`);
      now += repeats * seconds;
    },
  }));
  return { subjects, order };
}

const sampling: Sampling = { rounds: 3, seconds: 8, warmUpSeconds: 1 };

suite('bench measuring', (test) => {
  test('subjects take turns, as often as fills a sample', async () => {
    const { subjects, order } = pretence({ slow: 4, fast: 2 });
    const rounds: number[] = [];
    const samples = await interleave(subjects, sampling, (round) => rounds.push(round));
    assert.equal(rounds, [0, 1, 2, 3]);
    assert.equal(order.slice(-6), ['slow 2', 'fast 4', 'slow 2', 'fast 4', 'slow 2', 'fast 4']);
    const [slow, fast] = [samples.get('slow')!, samples.get('fast')!];
    assert.is(secondsOf(slow).median, 4);
    assert.is(rateOf(fast, 6).median, 3);
    // 6 units of work in 2 s, where 10 in a second are possible
    assert.is(shareOf(fast, 6).median, 0.3);
    assert.is(speedUp(fast, slow).median, 2);
    assert.is(slow.length, 3);
  });

  test('a repetition longer than a sample is one', async () => {
    const { subjects, order } = pretence({ long: 100 });
    await interleave(subjects, sampling);
    assert.equal(order, ['long 1', 'long 1', 'long 1', 'long 1']);
  });

  test('a pause comes before each sample', async () => {
    const { subjects } = pretence({ one: 4 });
    const started = performance.now();
    await interleave(subjects, { ...sampling, pauseSeconds: 0.02 });
    assert.ok(performance.now() - started >= 55);
  });

  test('names must differ', async () => {
    const { subjects } = pretence({ one: 1 });
    await rejects(
      () => interleave([...subjects, ...subjects], sampling),
      UsageError,
      'interleave: subjects need names of their own: 2 have 1 names',
    );
  });

  test('processor time passes with work, not with waiting', async () => {
    const started = processorClock();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waited = processorClock() - started;
    assert.ok(waited < 0.09, `${waited} s for doing nothing`);
    for (const until = performance.now() + 30; performance.now() < until; );
    assert.ok(processorClock() > started + waited);
  });

  test('yardsticks tell rates, on one thread and on two', async () => {
    for (const threads of [1, 2]) {
      const yardsticks = new Yardsticks(threads);
      const flops = yardsticks.multiplyAdd.rate(2);
      const bytes = yardsticks.copy(1 << 20).rate(2);
      // from a slow phone to beyond what 128 bits can do
      assert.ok(flops > 1e8 && flops < threads * 5e11, `${flops} operations per second`);
      assert.ok(bytes > 1e7 && bytes < threads * 2e12, `${bytes} bytes per second`);
      await yardsticks.close();
    }
  });

  test('work that goes wrong is an error', () => {
    ensure(true, 'the loss is 1');
    throws(() => ensure(false, 'the loss is NaN'), BackendError, 'bench: the loss is NaN');
  });

  test('a child that ends without an answer is an error with its own words', async () => {
    const error = await askChild('support/children/none.js', []).catch((reason: Error) => reason);
    assert.instance(error, BackendError);
    assert.match(
      (error as Error).message,
      /^bench: support\/children\/none\.js ended without an answer: Error: Cannot find module/,
    );
  });
});

suite('bench tables', (test) => {
  test('numbers have three digits that count', () => {
    assert.equal([1234.5, 0.012345, 5, 60000, 12.34, 999.6, 0, Number.NaN, -2.345].map(threeDigits), [
      '1,230',
      '0.0123',
      '5',
      '60,000',
      '12.3',
      '1,000',
      '0',
      'NaN',
      '-2.35',
    ]);
  });

  test('threads are counted', () => {
    assert.equal([1, 2].map(threadCount), ['1 thread', '2 threads']);
  });

  test('columns line up: texts to the left, numbers to the right', () => {
    const table = formatTable({
      columns: [
        { key: 'name', title: 'name' },
        { key: 'rate', title: 'rate', unit: 'GB/s' },
        { key: 'share', title: 'share', unit: 'share' },
      ],
      rows: [
        { name: 'a', rate: summarize([10, 20, 30]), share: 0.25 },
        { name: 'long name', rate: 1234 },
      ],
    });
    assert.equal(table.split('\n'), [
      'name       rate (GB/s)  share',
      '-----------------------------',
      'a              20 ±25%    25%',
      'long name        1,234',
    ]);
  });
});

suite('bench results', (test) => {
  const folder = mkdtempSync(join(tmpdir(), 'quern-bench-'));
  test.after(() => rmSync(folder, { recursive: true }));

  const plot: Plot = {
    title: 'Speed',
    kind: 'bar',
    x: { title: 'batch', values: ['1', '2'] },
    y: { title: 'images/s' },
    series: [{ name: 'one', values: [1, null] }],
  };
  const result: BenchResult = {
    bench: 'example',
    question: 'How fast?',
    date: '2026-01-01T00:00:00.000Z',
    seconds: 1,
    machine: describeMachine(),
    versions: describeVersions(),
    quick: true,
    sampling,
    columns: [{ key: 'batch', title: 'batch' }],
    rows: [{ batch: 1 }],
    notes: [],
    backends: [],
    plots: [plot, { ...plot, name: 'second' }],
  };

  test('a result is a file of JSON with machine, versions and commit', async () => {
    const out = join(folder, 'new', 'results');
    const paths = await writeResult(out, result);
    assert.is(paths[0], join(out, 'example.json'));
    const { machine, versions, rows, bench } = JSON.parse(readFileSync(paths[0]!, 'utf8'));
    assert.equal([bench, rows], ['example', [{ batch: 1 }]]);
    assert.is(machine.processors, describeMachine().processors);
    assert.is(versions.node, process.versions.node);
    assert.equal(
      readdirSync(out).filter((name) => name.includes('part')),
      [],
    );
  });

  test('the version is that of package.json; without a repository there is no commit', () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    assert.is(describeVersions().quern, version);
    writeFileSync(join(folder, 'package.json'), '{ "version": "9.8.7" }');
    const { node, v8 } = process.versions;
    assert.equal(describeVersions(folder), { quern: '9.8.7', node, v8 });
  });

  test('a folder that cannot be written is named', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await rejects(
      () => writeResult(file, { ...result, plots: [] }),
      ModelError,
      `${file}: the results cannot be written: EEXIST: file already exists, mkdir '${file}'`,
    );
  });
});

suite('bench plots', (test) => {
  const lines: Plot = {
    title: 'Speed <of> steps',
    kind: 'line',
    x: { title: 'batch', values: ['1', '128'] },
    y: { title: 'images/s' },
    series: [
      { name: 'one thread', values: [10, 20] },
      { name: 'two threads', values: [null, 40] },
    ],
  };
  const bars: Plot = { ...lines, kind: 'bar', x: { title: '', values: ['a name of some length', 'b'] } };
  for (const [what, plot] of [
    ['lines', lines],
    ['bars', bars],
  ] as const) {
    const title = `${what} are drawn as SVG with all their names`;
    test(title, async () => {
      const svg = await drawPlot(plot);
      assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      const texts = [...plot.x.values, ...plot.series.map(({ name }) => name), 'Speed &lt;of&gt; steps'];
      for (const text of texts) assert.ok(svg.includes(`>${text}<`), `${text} is not in the picture`);
    });
  }
});

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { markdownTable, sparkline, textTable } from '../../src/cli/terminal/table.js';
import type { RunConfig } from '../../src/runs/config.js';
import type { RunOverview } from '../../src/runs/records.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern } from './support.js';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/v0.1/runs');

const overviews = (stdout: string) => (JSON.parse(stdout) as { runs: RunOverview[] }).runs;

suite('quern runs', (test) => {
  test('tags are put on, taken off, shown and asked for', () =>
    inProject(async (cwd) => {
      for (const name of ['a', 'b'])
        cpSync(join(fixtures, 'finished'), join(cwd, 'runs', name), { recursive: true });
      const said = async (...words: readonly string[]) => {
        const { code, stdout, stderr } = await quern(['runs', ...words], { cwd });
        assert.is(code, 0, stderr);
        return stdout;
      };
      assert.not.match(await said(), /tags/);
      const tagged = await said('tag', 'runs/a', 'runs/b', '--add', 'baseline', '--add', 'größe:2');
      assert.is(tagged, 'run     tags\nruns/a  baseline, größe:2\nruns/b  baseline, größe:2\n');
      await said('tag', 'runs/b', '--remove', 'baseline', '--remove', 'never');
      assert.is(await said('tag', 'runs/b', '--json'), '{"runs":[{"path":"runs/b","tags":["größe:2"]}]}\n');
      const listed = overviews(await said('--json', '--tag', 'baseline', '--tag', 'größe:2'));
      assert.equal(
        listed.map(({ path, tags }) => [path, tags]),
        [['runs/a', ['baseline', 'größe:2']]],
      );
      assert.match(await said(), /^run .* begun \(UTC\) +tags\nruns\/a .* baseline, größe:2\n/);

      const refused = async (...words: readonly string[]) =>
        (await quern(['runs', ...words], { cwd })).stderr;
      assert.is(
        await refused('tag', 'runs/a', '--add', 'two words'),
        'quern: a tag must be 1 to 64 characters without spaces and commas: "two words"\n',
      );
      assert.match(
        await refused('tag', 'runs/a', 'nowhere', '--add', 'x'),
        /^quern: nowhere: it holds no run/,
      );
      assert.is(await said('tag', 'runs/b'), 'run     tags\nruns/b  größe:2\n');
      const many = Array.from({ length: 101 }, (_, i) => ['--add', `t${i}`]).flat();
      assert.match(await refused('tag', 'runs/b', ...many), /a run has at most 100 tags: 102\n$/);
      writeFileSync(join(cwd, 'runs/b/tags.json'), '{"tags":["a b"]}');
      assert.match(
        await said(),
        /runs\/b is damaged: runs\/b\/tags\.json\.tags\[0\] must be 1 to 64 characters/,
      );
    }));

  test('the help of a command below has its own arguments alone', async () => {
    for (const [command, argument] of [
      ['compare', 'run '],
      ['tag', 'run '],
      ['remove', 'path'],
    ]) {
      const { stdout } = await quern(['runs', command!, '--help']);
      assert.match(stdout, new RegExp(`\\n {2}${argument} .*\\[array\\] \\[required\\]\\n`));
      assert.not.match(stdout, /folder {2}|--sort|default: \[\]/);
    }
  });

  test('states, folders of folders, and what cannot be read', () =>
    inProject(async (cwd) => {
      const common = ['--quiet', '--validation', '0.25', ...onReference];
      for (const [out, ...words] of [
        ['runs/a', '--seed', '1'],
        ['runs/deep/b', '--seed', '2', '--learning-rate', '0.05'],
      ] as const) {
        const { code, stderr } = await quern(['train', './tiny.mjs', '--out', out, ...words, ...common], {
          cwd,
        });
        assert.is(code, 0, stderr);
      }
      const list = await quern(['runs'], { cwd });
      assert.is(list.stderr, '');
      assert.match(list.stdout, /^run +recipe +seed +state +epochs +test +validation +time +begun \(UTC\)\n/);
      assert.match(
        list.stdout,
        /\nruns\/a +tiny +1 +finished +2\/2 +[\d.]+% +[\d.]+% +0:0\d +2\d{3}-\d\d-\d\d \d\d:\d\d\n/,
      );

      const part = join(cwd, 'runs/deep/b');
      const weights = JSON.parse(readFileSync(join(part, 'result.json'), 'utf8')).weightsSha256 as string;
      rmSync(join(part, 'result.json'));
      const states = async () =>
        overviews((await quern(['runs', '--json'], { cwd })).stdout).map(({ path, state }) => [path, state]);
      assert.equal(await states(), [
        ['runs/a', 'finished'],
        ['runs/deep/b', 'interrupted'],
      ]);
      writeFileSync(join(part, 'failure.json'), JSON.stringify({ message: 'no luck\n  A hint.' }));
      assert.match((await quern(['runs'], { cwd })).stdout, /\nruns\/deep\/b failed: no luck\n$/);
      assert.is((await states())[1]![1], 'failed');
      writeFileSync(join(part, 'lock.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
      assert.is((await states())[1]![1], 'running');
      rmSync(join(part, 'lock.json'));

      mkdirSync(join(cwd, 'runs/c'));
      writeFileSync(join(cwd, 'runs/c/config.json'), '{');
      const broken = await quern(['runs', '--json'], { cwd });
      assert.is(broken.stderr, '');
      assert.is(broken.code, 0);
      const failure = 'runs/c/config.json: is not JSON';
      assert.equal(overviews(broken.stdout)[2], { path: 'runs/c', state: 'damaged', failure });
      const rows = (await quern(['runs'], { cwd })).stdout;
      assert.match(rows, /\nruns\/c +- +- +damaged\n/);
      assert.ok(rows.endsWith(`\nruns/c is damaged: ${failure}\n`), rows);
      rmSync(join(cwd, 'runs/c'), { recursive: true });

      const resumed = await quern(['train', '--resume', 'runs/deep/b', '--quiet', '--json'], { cwd });
      assert.is(JSON.parse(resumed.stdout).weightsSha256, weights);
      assert.is((await states())[1]![1], 'finished');

      const paged = await quern(['runs', 'compare', 'runs/a', 'runs/deep/b', '--page', 'both.html'], { cwd });
      assert.is(paged.code, 0, paged.stderr);
      assert.match(paged.stdout, /\n\nboth\.html\n$/);
      const page = readFileSync(join(cwd, 'both.html'), 'utf8');
      for (const id of ['curves', 'results', 'differences']) assert.match(page, `<section id="${id}">`);
      assert.match(page, /aria-label="Loss of 2 runs: A ends at [\d.]+, B ends at [\d.]+"/);
      assert.match(readFileSync(join(cwd, 'both', 'loss.svg'), 'utf8'), /^<svg /);
      const text = (await quern(['runs', 'compare', 'runs/a', 'runs/deep/b'], { cwd })).stdout;
      assert.match(text, /^A {2}runs\/a \(tiny\)\nB {2}runs\/deep\/b \(tiny\)\n\nwhat differs +A +B\n/);
      assert.match(text, /\noptimizer\.learningRate +0\.02 +0\.05\n/);
      assert.match(text, /\nseed +1 +2\n/);
      assert.match(text, /\ntest accuracy +[\d.]+% +[\d.]+%\n/);
      assert.match(text, /\nloss +A +[▁-█]{2}\n +B +[▁-█]{2}\n/);
      assert.match(text, /\nvalidation accuracy +A /);
      assert.match(
        text,
        /\n\nwhether they differ .* chance: quern evaluate runs\/a --compare runs\/deep\/b\n$/,
      );
      const json = JSON.parse(
        (await quern(['runs', 'compare', 'runs/a', 'runs/deep/b', '--json'], { cwd })).stdout,
      );
      assert.equal(json.differences.map(({ setting }: { setting: string }) => setting).sort(), [
        'optimizer.learningRate',
        'seed',
      ]);
      assert.is(json.runs[1].history.length, 2);
      const same = await quern(['runs', 'compare', 'runs/a', 'runs/a'], { cwd });
      assert.match(same.stdout, /\n\nsame settings, data and arithmetic\n\n/);
    }));

  test('none', () =>
    inProject(async (cwd) => {
      assert.is((await quern(['runs'], { cwd })).stdout, 'no runs in runs\n');
      assert.is((await quern(['runs', '--json'], { cwd })).stdout, '{"runs":[]}\n');
      const { code, stderr } = await quern(['runs', 'elsewhere'], { cwd });
      assert.is(stderr, 'quern: runs: elsewhere: there is no such folder\n');
      assert.is(code, 2);
    }));

  test('how layers differ, whose names have dots', () =>
    inProject(async (cwd) => {
      const sound = JSON.parse(readFileSync(join(fixtures, 'finished/config.json'), 'utf8')) as RunConfig;
      const config = (units: number) => ({
        ...sound,
        settings: {
          ...sound.settings,
          architecture: { parts: { 'layers.1': { kind: 'dense', options: { units } } } },
        },
      });
      for (const [name, units] of Object.entries({ a: 12, b: 34 })) {
        mkdirSync(join(cwd, name));
        writeFileSync(join(cwd, name, 'config.json'), JSON.stringify(config(units)));
      }
      const { stdout } = await quern(['runs', 'compare', 'a', 'b'], { cwd });
      assert.match(stdout, /\narchitecture\.parts\.layers\.1\.options\.units +12 +34\n/);
    }));
});

suite('tables', (test) => {
  const table = {
    header: ['name', 'n'],
    rows: [
      ['a|b', '10'],
      ['c', '7'],
    ],
    alignments: ['left', 'right'],
  } as const;
  test('as text', () => assert.is(textTable(table), 'name   n\na|b   10\nc      7'));
  test('as Markdown', () =>
    assert.is(markdownTable(table), '| name | n |\n| --- | ---: |\n| a\\|b | 10 |\n| c | 7 |'));

  test('sparklines', () => {
    assert.is(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), '▁▂▃▄▅▆▇█');
    assert.is(sparkline([1, 1]), '▁▁');
    assert.is(sparkline([0, 7], [0, 14]), '▁▅');
    assert.is(sparkline([]), '');
    const long = sparkline(Array.from({ length: 1000 }, (_, i) => i));
    assert.is(long.length, 40);
    assert.ok(long.endsWith('█'));
  });
});

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { onReference, quern, recipeText } from '../cli/support.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

let made: string | undefined;

/** A folder with two trained models, in `run` and `other`, made when it is first asked for. */
async function trainedFolder(): Promise<string> {
  if (made !== undefined) return made;
  const cwd = mkdtempSync(join(tmpdir(), 'quern-report-'));
  process.once('exit', () => rmSync(cwd, { recursive: true, force: true }));
  writeFileSync(join(cwd, 'tiny.mjs'), recipeText());
  for (const [out, seed] of [
    ['run', '0'],
    ['other', '1'],
  ] as const) {
    const words = [
      'train',
      './tiny.mjs',
      '--epochs',
      '3',
      '--seed',
      seed,
      '--validation',
      '0.2',
      '--out',
      out,
    ];
    const { code, stderr } = await quern([...words, '--quiet', ...onReference], { cwd });
    assert.is(code, 0, stderr);
  }
  made = cwd;
  return cwd;
}

/** Works in a copy of that folder. */
const withRuns = (work: (cwd: string) => Promise<void>) =>
  inFolder(async (cwd) => {
    cpSync(await trainedFolder(), cwd, { recursive: true });
    await work(cwd);
  });

suite('quern report', (test) => {
  test('a page, twice the same; in the terminal; as JSON', () =>
    withRuns(async (cwd) => {
      const first = await quern(['report', 'run', ...onReference], { cwd });
      assert.is(first.code, 0, first.stderr);
      assert.is(
        first.stdout,
        `${join('run', 'report.html')}, and 8 pictures beside it\nThere is no reference ladder: no published accuracies are known for fixture.\n`,
      );
      assert.is(first.stderr, '');
      const page = readFileSync(join(cwd, 'run', 'report.html'), 'utf8');
      assert.match(page, '<title>tiny on fixture: training report</title>');
      assert.match(page, '<dt>epochs</dt><dd>3 of 3</dd>');
      const words = ['report', 'run', '--out', 'there/again.html', '--json', ...onReference];
      const again = JSON.parse((await quern(words, { cwd })).stdout);
      assert.is(again.page, 'there/again.html');
      assert.is(again.pictures.length, 8);
      assert.is(again.absent.length, 1);
      assert.is(readFileSync(join(cwd, 'there/again.html'), 'utf8'), page);

      rmSync(join(cwd, 'run', 'report.html'));
      const terminal = await quern(['report', 'run', '--terminal', '--limit', '50', ...onReference], { cwd });
      assert.is(terminal.code, 0, terminal.stderr);
      assert.match(
        terminal.stdout,
        /^3 epochs +first → last\nloss +█[▁-█]{2} {2}\d\.\d{4} → \d\.\d{4}\nvalidation loss /,
      );
      assert.match(terminal.stdout, /\n\nlabel +taken for +times {2}of the label\n/);
      assert.match(
        terminal.stdout,
        /\n\n[\d.]+% of 50 right \(95% interval .*\), among 2: .*, calibration error [\d.]+%\n/,
      );
      assert.not.ok(existsSync(join(cwd, 'run', 'report.html')));
    }));

  test('without images or a model it shows the rest and says why', () =>
    withRuns(async (cwd) => {
      const away = await quern(['report', 'run', '--data-dir', 'nowhere', ...onReference], { cwd });
      assert.is(away.code, 0, away.stderr);
      assert.match(
        away.stdout,
        /^There are no predictions, confusion matrix or calibration: the images are not here \(fixture: the data folder does not exist: nowhere\)\.$/m,
      );
      const page = readFileSync(join(cwd, 'run', 'report.html'), 'utf8');
      assert.match(page, 'the data folder does not exist');
      // its result still tells the accuracy
      assert.match(page, /<div class="score">[\d.]+%<small>test accuracy/);
      assert.match(page, '<section id="layer">');
      rmSync(join(cwd, 'run', 'model.safetensors'));
      rmSync(join(cwd, 'run', 'history.jsonl'));
      const bare = await quern(['report', 'run', '--terminal', ...onReference], { cwd });
      assert.is(bare.code, 0, bare.stderr);
      assert.match(
        bare.stdout,
        /^There are no predictions and no weights: the run has no model\.safetensors yet\.\n\n/,
      );
      assert.match(
        bare.stdout,
        /There are no learning curves: the run has no whole epoch in its history\.jsonl\./,
      );
    }));

  test('what cannot be reported on', () =>
    withRuns(async (cwd) => {
      const fails = async (words: string[], message: string, code: number) => {
        const ended = await quern(['report', ...words, ...onReference], { cwd });
        assert.is(ended.stderr, `quern: ${message}\n`);
        assert.is(ended.code, code);
      };
      await fails(['nowhere'], 'nowhere: it holds no run: there is no config.json', 2);
      await fails(['run', '--out', 'page'], 'report: the page must be called something.html: page', 2);
      await fails(
        ['run', '--terminal', '--out', 'page.html'],
        '--terminal writes nothing: --out does not go with it',
        2,
      );
    }));
});

suite('quern evaluate, in detail', (test) => {
  test('for people', () =>
    withRuns(async (cwd) => {
      const words = ['evaluate', 'run', '--details', '--compare', 'other', '--robustness', '--limit', '40'];
      const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stdout, /^fixture test: \d+ of 40 right, /);
      assert.match(stdout, /\n\nclass +images +precision +recall +F1\nvertical bar +\d+ /);
      assert.match(stdout, /\nmean of classes +40 /);
      assert.match(stdout, /\n\nlabel \\ predicted( +\S.*){10}\nvertical bar /);
      assert.match(stdout, /\namong the 2 most probable +[\d.]+%\n/);
      assert.match(stdout, /\nexpected calibration error, 15 bins +[\d.]+%\n/);
      assert.match(
        stdout,
        /\n\ncompared with other: [\d.]+%\nonly this model right on \d+ images, only the other on \d+: .* \(McNemar exact, p = [\d.]+\)\n/,
      );
      assert.match(
        stdout,
        /\n\nimages that are worse +by +accuracy +points\nshift +1 px +[\d.]+% +[+-]?[\d.]+\n/,
      );
    }));

  test('as JSON', () =>
    withRuns(async (cwd) => {
      const words = ['evaluate', 'run', '--compare', 'other', '--robustness', '--json', '--limit', '40'];
      const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd });
      assert.is(code, 0, stderr);
      const found = JSON.parse(stdout);
      assert.is(
        found.confusion.flat().reduce((sum: number, count: number) => sum + count),
        40,
      );
      assert.is(found.perClass.length, 10);
      assert.equal(Object.keys(found.macro), ['precision', 'recall', 'f1']);
      assert.is(found.calibration.bins.length, 15);
      assert.is(found.topK[0].accuracy, found.accuracy);
      assert.is(found.robustness.length, 16);
      const { model, weightsSha256, evaluation, test: mcnemar } = found.comparison;
      assert.is(model, 'other');
      assert.is.not(weightsSha256, found.weightsSha256);
      assert.is(found.correct - evaluation.correct, mcnemar.firstOnly - mcnemar.secondOnly);
    }));

  test('with more classes than a terminal is wide the commonest mistakes stand for the matrix', async () => {
    const { confusionText, pairsText } = await import('../../src/cli/commands/evaluate/text.js');
    const { measurePredictions } = await import('../../src/report/metrics/measures.js');
    const classes = Array.from({ length: 21 }, (_, i) => `class ${i}`);
    const probabilities = Array.from({ length: 42 }, (_, i) => (i === 4 || i === 21 + 4 ? 1 : 0));
    const measures = measurePredictions({ probabilities, labels: [4, 7], classes });
    assert.is(
      confusionText(measures),
      'label    taken for  times  of the label\nclass 7  class 4        1       100.00%',
    );
    assert.is(pairsText(measurePredictions({ probabilities, labels: [4, 4], classes }), 3), 'no mistakes');
  });

  test('what a comparison says', async () => {
    const { comparisonText } = await import('../../src/cli/commands/evaluate/text.js');
    const found = { firstOnly: 40, secondOnly: 10, method: 'chi-squared', statistic: 16.8 } as const;
    assert.is(
      comparisonText('b', 0.9, { ...found, p: 4.13e-5 }),
      'compared with b: 90.00%\nonly this model right on 40 images, only the other on 10: this model is better (McNemar χ², p = 4.1e-5)',
    );
    assert.match(
      comparisonText('b', 0.9, { ...found, firstOnly: 1, p: 0 }),
      'the other is better (McNemar χ², p < 1e-15)',
    );
    assert.match(
      comparisonText('b', 0.9, { ...found, p: 0.25 }),
      'no difference that chance does not explain (McNemar χ², p = 0.2500)',
    );
  });
});

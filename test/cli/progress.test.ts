import { spawn, spawnSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { clock, grouped, megabytes, percent, seconds } from '../../src/cli/terminal/format.js';
import { barLine, epochLine, progressText } from '../../src/cli/terminal/progress.js';
import { suite } from '../support/suite.js';
import { inProject, main, onReference } from './support.js';

suite('progress', (test) => {
  test('numbers', () => {
    assert.is(percent(0.97912), '97.91%');
    assert.is(grouped(1234567.8), '1,234,568');
    assert.is(grouped(999), '999');
    assert.is(seconds(1.26), '1.3 s');
    assert.is(clock(65.4), '1:05');
    assert.is(clock(3725), '1:02:05');
    assert.is(megabytes(9_912_422), '9.9 MB');
  });

  test('an epoch', () => {
    const record = {
      epoch: 2,
      step: 8,
      loss: 0.51239,
      accuracy: 0.9,
      learningRate: 1,
      seconds: 12.34,
      imagesPerSecond: 40123.4,
    };
    assert.is(epochLine(record, 10), 'epoch 2/10 | loss 0.5124 | accuracy 90.00% | 40,123 images/s | 12.3 s');
    assert.is(
      epochLine({ ...record, validationLoss: 0.6, validationAccuracy: 0.85 }, 10),
      'epoch 2/10 | loss 0.5124 | accuracy 90.00% | validation loss 0.6000 | validation accuracy 85.00% | 40,123 images/s | 12.3 s',
    );
  });

  test('what stands beside the bar', () => {
    const progress = {
      epoch: 1,
      epochs: 2,
      step: 3,
      steps: 4,
      loss: 1.5,
      accuracy: 0.25,
      learningRate: 0.01,
      imagesPerSecond: 1500,
      secondsLeft: 90,
    };
    assert.is(progressText(progress), 'loss 1.5000 | accuracy 25.00% | 1,500 images/s | 1:30 left');
  });
});

suite('a bar fits its terminal', (test) => {
  const title = 'epoch 10/10';
  const text = 'loss 0.1234 | accuracy 97.91% | 40,123 images/s | 1:05 left';
  const line = (width: number) => barLine({ title, share: 0.5, text }, width, (bar) => bar);

  test('wide: the whole of it', () => {
    assert.is(line(200), `${title} ${'█'.repeat(20)}${'░'.repeat(20)} 50% | ${text}`);
  });

  test('narrow: a short bar, then shorter words, then fewer facts', () => {
    assert.is(line(79), `epoch 10/10 ███░░ 50%  ${text.replaceAll(' | ', '  ')}`);
    assert.is(line(73), `${title} 50%  loss 0.1234  accuracy 97.91%  40,123 images/s  1:05 left`);
    assert.is(line(66), `${title} 50%  loss 0.1234  acc 97.91%  40,123/s  1:05 left`);
    assert.is(line(36), `${title} 50%  40,123/s  1:05 left`);
    assert.is(line(8), 'epoch 10');
  });

  test('no line is longer than its width', () => {
    for (let width = 1; width < 200; width++) assert.ok(line(width).length <= width, String(width));
  });
});

/** What a training shows on a terminal, which `script` (util-linux) makes. */
function onTerminal(
  cwd: string,
  { columns = '120', ...environment }: NodeJS.ProcessEnv,
  ...more: string[]
): Promise<string> {
  const words = [
    'stty',
    'cols',
    columns,
    '&&',
    process.execPath,
    main,
    'train',
    './tiny.mjs',
    '--out',
    'run',
    ...onReference,
    ...more,
  ];
  return new Promise((resolve) => {
    const child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
      cwd,
      env: { ...process.env, TERM: 'xterm', FORCE_COLOR: undefined, NO_COLOR: undefined, ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    // The color as a word: control characters are hard to read in patterns.
    child.on('close', () =>
      resolve(text.replaceAll('\u001b[36m', '(cyan)').replaceAll('\u001b[39m', '(plain)')),
    );
  });
}

suite('progress on a terminal', (test) => {
  if (spawnSync('script', ['--version']).status !== 0) {
    test.unavailable('a bar', 'the program script (util-linux), which makes terminals, is not installed');
    return;
  }

  test('a bar with loss, accuracy, speed and time left, and a line per epoch', () =>
    inProject(async (cwd) => {
      const text = await onTerminal(cwd, {});
      assert.match(
        text,
        /epoch 1\/2 \(cyan\)[█░]+\(plain\) \d+% \| loss [\d.]+ \| accuracy [\d.]+% \| [\d,]+ images\/s \| \d+:\d\d left/,
      );
      assert.match(text, /epoch 2\/2 \| loss [\d.]+ \| accuracy [\d.]+% \| [\d,]+ images\/s \| [\d.]+ s\r\n/);
      assert.match(text, /test accuracy {3}[\d.]+%/);
      // the curves, then the result
      assert.match(text, /2 epochs +first → last\r\nloss +[▁█]{2} +[\d.]+ → [\d.]+\r\naccuracy +[▁█]{2} /u);
      assert.ok(text.indexOf('first → last') < text.indexOf('test accuracy'));
    }));

  test('in 80 columns too, nothing is cut off', () =>
    inProject(async (cwd) => {
      const text = await onTerminal(cwd, { columns: '80', NO_COLOR: '1' });
      const bars = text.match(/epoch \d\/2 [█░]+ \d+%.*? left/g) ?? [];
      assert.ok(bars.length > 0, text);
      for (const bar of bars) {
        assert.match(bar, /loss [\d.]+(?: \| | {2})accuracy [\d.]+%.* [\d,]+ images\/s.* \d+:\d\d left$/);
        assert.ok(bar.length < 80, bar);
      }
    }));

  for (const option of ['--quiet', '--json']) {
    test(`no curves with ${option}`, () =>
      inProject(async (cwd) => {
        const text = await onTerminal(cwd, {}, option);
        assert.match(text, /test ?accuracy/i);
        assert.not(text.includes('first → last'));
      }));
  }

  test('NO_COLOR', () =>
    inProject(async (cwd) => {
      const text = await onTerminal(cwd, { NO_COLOR: '1' });
      assert.match(text, /epoch 1\/2 [█░]+ \d+% \| loss/);
      assert.not(text.includes('(cyan)'));
    }));
});

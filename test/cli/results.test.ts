import * as assert from 'uvu/assert';
import { resultText } from '../../src/cli/terminal/results.js';
import { isFinal, type TrainingResult } from '../../src/runs/result.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern } from './support.js';

const parse = (text: string) => JSON.parse(text) as TrainingResult;

const result: TrainingResult = {
  recipe: 'mine',
  dataset: 'mnist',
  backend: 'wasm',
  threads: 2,
  numerics: 'wasm 2',
  seed: 1,
  epochs: 3,
  steps: 30,
  batchSize: 10,
  parameters: 1234,
  multiplyAdds: 5678,
  trainAccuracy: 0.995,
  trainLoss: 0.01,
  testAccuracy: 0.98,
  testLoss: 0.0789,
  testInterval: [0.977, 0.9825],
  reference: { accuracy: 0.96, source: 'a paper' },
  target: 0.978,
  targetMet: true,
  trainSeconds: 12.34,
  imagesPerSecond: 1000,
  weightsSha256: 'abc',
  model: 'run/model.safetensors',
  ended: 'finished',
  interrupted: false,
};

suite('the result of a training', (test) => {
  test('for people, a line per fact', () => {
    const lines = [
      'recipe          mine on mnist, seed 1, 3 epochs',
      'backend         wasm, threads 2, wasm 2',
      'parameters      1,234',
      'test accuracy   98.00% (95% interval 97.70% to 98.25%), loss 0.0789',
      'train accuracy  99.50%',
      'reference       96.00% (a paper)',
      'target          97.80%: reached',
      'time            12.3 s, 1,000 images/s',
      'weights         sha256 abc',
      'model           run/model.safetensors',
    ];
    assert.is(resultText(result), lines.join('\n'));
  });

  test('a target that is missed, or not judged since the test set was not measured', () => {
    assert.match(resultText({ ...result, targetMet: false }), /\ntarget {10}97\.80%: missed\n/);
    const cut = { ...result, testAccuracy: null, testLoss: null, testInterval: null, targetMet: null };
    assert.match(resultText(cut), /\ntarget {10}97\.80%: not judged\n/);
    assert.not.match(resultText(cut), /test accuracy/);
  });

  test('a limit, beside which no published result stands', () =>
    assert.match(
      resultText({ ...result, limit: 6000, reference: null }),
      /\nlimit {11}only the first 6,000 images: no published result is beside it\n/,
    ));

  test('why it ended early', () =>
    assert.match(
      resultText({ ...result, ended: 'early stopping' }),
      /\nended {11}early, since validation got no better\n/,
    ));

  test('whether anything is left to do', () => {
    assert.ok(isFinal(result));
    assert.ok(isFinal({ ...result, ended: 'early stopping' }));
    assert.not(isFinal({ ...result, ended: 'time limit' }));
    assert.not(isFinal({ ...result, ended: 'interrupted', interrupted: true, testAccuracy: null }));
    assert.not(isFinal({ ...result, testAccuracy: null }));
  });

  test('--no-train-accuracy measures the test set alone', () =>
    inProject(async (cwd) => {
      const words = ['train', './tiny.mjs', '--seed', '3', ...onReference];
      const whole = parse((await quern([...words, '--out', 'a', '--json'], { cwd })).stdout);
      const without = [...words, '--no-train-accuracy'];
      const alone = parse((await quern([...without, '--out', 'b', '--json'], { cwd })).stdout);
      const { trainAccuracy, trainLoss, testAccuracy, weightsSha256 } = alone;
      assert.equal({ trainAccuracy, trainLoss }, { trainAccuracy: null, trainLoss: null });
      assert.equal(
        { testAccuracy, weightsSha256 },
        { testAccuracy: whole.testAccuracy, weightsSha256: whole.weightsSha256 },
      );
      assert.ok(whole.trainAccuracy! > 0);
      const { stdout, stderr } = await quern([...without, '--out', 'c'], { cwd });
      assert.match(stdout, /^test accuracy +\d/m, stderr);
      assert.not.match(stdout, /train accuracy/);
      // a run that goes on keeps to it
      await quern([...without, '--out', 'd', '--pause-after', '1'], { cwd });
      const rest = await quern(['train', '--resume', 'd', '--import', './tiny.mjs', '--json'], { cwd });
      assert.is(parse(rest.stdout).trainAccuracy, null, rest.stderr);
    }));
});

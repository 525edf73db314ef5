import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Model, openEngine, recipes } from '../../src/browser.js';
import { lookInside } from '../../src/inside/look.js';
import { tinyStep } from '../../src/inside/tiny.js';
import { quern } from '../cli/support.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

suite('what is inside a training step', (test) => {
  test('of mnist-mlp: ops, kernels, memory and code', async () => {
    const { default: recipe } = await recipes.table['mnist-mlp']!();
    const options = recipes.fitOptionsOf(recipe, { seed: 0, batchSize: 32 });
    const layer = recipe.layer({ classes: 10, shape: [28, 28, 1], parameters: recipe.parameters ?? {} });
    const view = await lookInside(new Model(layer, [28, 28, 1]), { ...options, title: 'mnist-mlp' });
    // 784·128 + 128·128 + 128·10 multiply-adds: forward, for the filters, and for all inputs but the images
    const products = 784 * 128 + 128 * 128 + 128 * 10;
    const matmuls = view.kernels.filter(({ kind }) => kind === 'matmul');
    const flops = (part: string) =>
      matmuls.filter((each) => each.part === part).reduce((sum, each) => sum + each.flops, 0);
    const share = (flops('forward') + flops('gradient')) / (2 * 32 * (3 * products - 784 * 128));
    assert.ok(share > 1 && share < 1.02, String(share));
    assert.is(flops('update'), 0);
    const shares = view.kernels.reduce((sum, each) => sum + each.share, 0);
    assert.ok(Math.abs(shares - 1) < 1e-6, String(shares));
    assert.ok(view.kernels.every(({ alive }) => alive <= view.memory.peakBytes));
    assert.ok(view.slots.every(({ offset, bytes }) => offset + bytes <= view.memory.peakBytes));
    const made = view.ops.find(
      ({ op, part, rule }) => op === 'matmul' && part === 'gradient' && rule === 'matmul',
    );
    assert.match(made!.layer, /^layers\.\d$/);
    const ids = new Set(view.ops.map(({ id }) => id));
    assert.ok(view.ops.every(({ inputs }) => inputs.every((id) => ids.has(id))));
    assert.match(view.assembly.text, /\(func \$.*\n.*\(local/);
    assert.not.match(view.assembly.text, /unknown 0x/);
  });

  test('the tiny step: its numbers are those of the definition', async () => {
    await using engine = await openEngine({ backend: 'reference' });
    const tape = await tinyStep(engine);
    const last = (pattern: RegExp) => tape.filter(({ text }) => pattern.test(text)).at(-1)!;
    const [logits] = [tape[tape.findIndex(({ text }) => /= softmaxCrossEntropy\(/.test(text)) - 1]!];
    const losses = last(/= softmaxCrossEntropy\(/).values;
    for (const i of [0, 1]) {
      const row = logits.values.slice(2 * i, 2 * i + 2);
      const expected = Math.log(row.reduce((sum, each) => sum + Math.exp(each), 0)) - row[i]!;
      assert.ok(Math.abs(losses[i]! - expected) < 1e-6, `${losses[i]} for ${expected}`);
    }
    const bias = last(/^layers\.2\.bias/).values;
    const updated = last(/= subtract\(layers\.2\.bias/).values;
    const change = updated.map((value, i) => value - bias[i]!);
    // gradients of a bias add up to nothing: those of a softmax do
    assert.ok(Math.abs(change[0]! + change[1]!) < 1e-7 && Math.abs(change[0]!) > 1e-4, String(change));
  });

  test('quern view writes one page', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'view.html');
      const { code, stdout } = await quern(['view', 'mnist-speedrun', '--batch-size', '16', '--out', out]);
      assert.is(code, 0);
      assert.is(stdout.trim(), out);
      const page = readFileSync(out, 'utf8');
      assert.ok(page.length < 1e6, String(page.length));
      const { kernels, batchSize } = JSON.parse(/id="view">(.*?)<\/script>/s.exec(page)![1]!);
      assert.is(batchSize, 16);
      assert.ok(kernels.length > 15);
      const wrong = await quern(['view', 'mnist-spedrun']);
      assert.is(wrong.code, 2);
      assert.match(wrong.stderr, /mnist-speedrun/);
    }));
});

/** Products of few rows, whose B is read in place, give the bits of those that pack it. */
import * as assert from 'uvu/assert';
import { emitMatmul } from '../../../kernels/matmul/emit.js';
import { emitFewRows, hasFewRows } from '../../../kernels/matmul/fewRows.js';
import type { MatmulShape } from '../../../kernels/matmul/plan.js';
import { EpilogueEmitter } from '../../../kernels/toolkit/wasm/epilogue.js';
import { call, constantOf, input } from '../../../src/core/expression.js';
import { type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import { hashed as random } from '../../support/kernelCases/zeros.js';
import { suite } from '../../support/suite.js';
import { best } from '../../writers/wasm/harness.js';

const levels = best === 'relaxed' ? (['relaxed', 'baseline'] as const) : (['baseline'] as const);

function shapeOf(m: number, k: number, n: number, turned = false): MatmulShape {
  return {
    ...{ batch: [], m, k, n },
    a: { batch: [], row: turned ? 1 : k, column: turned ? m : 1 },
    b: { batch: [], row: n, column: 1 },
  };
}

/** relu(a · b + bias), of one range of units or of one for each. */
function multiply(
  emit: typeof emitMatmul,
  shape: MatmulShape,
  simd: (typeof levels)[number],
  unitByUnit = false,
): { readonly out: Float32Array; readonly beside: Float32Array } {
  const { m, k, n } = shape;
  const writer = new ModuleBuilder({ simd, shared: false });
  const output = { dtype: 'float32', shape: [m, n], strides: [n, 1] } as const;
  const bias = { dtype: 'float32', shape: [m, n], strides: [0, 1] } as const;
  const expression = call('maximum', call('add', input(0), input(1)), constantOf(-0.25));
  const epilogue = new EpilogueEmitter({ expression, operands: 1 }, { inputs: [bias], outputs: [output] });
  const { units, scratchBytes } = emit(writer, shape, { simd }, epilogue);
  const places: number[] = [];
  let end = 64;
  for (const size of [m * k, k * n, n, m * n]) {
    places.push(end);
    end += Math.ceil((4 * size) / 64) * 64 + 64;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil((end + scratchBytes) / 65536) });
  const floats = new Float32Array(memory.buffer);
  floats.fill(Number.NaN);
  const [a, b, biasAt, out] = places as [number, number, number, number];
  for (const [at, size] of [
    [a, m * k],
    [b, k * n],
    [biasAt, n],
  ] as const) {
    for (let i = 0; i < size; i++) floats[at / 4 + i] = random(at + i) - 0.5;
  }
  const module = new WebAssembly.Module(writer.bytes());
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports.run as KernelRun;
  const scratch = scratchBytes === 0 ? [] : [end];
  const length = unitByUnit ? 1 : units;
  for (let unit = 0; unit < units; unit += length) run(...places, ...scratch, unit, unit + length);
  return {
    out: floats.slice(out / 4, out / 4 + m * n),
    beside: floats.slice(out / 4 + m * n, out / 4 + m * n + 16),
  };
}

suite('matmul of few rows', (test) => {
  for (const simd of levels) {
    test(`${simd}: the bits of the product that packs`, () => {
      for (const m of [1, 2, 3, 4, 5]) {
        for (const [k, n] of [
          [1, 4],
          [7, 12],
          [16, 8],
          [65, 64],
          [1500, 100],
          [3136, 128],
        ] as const) {
          for (const turned of [false, true]) {
            const shape = shapeOf(m, k, n, turned);
            assert.ok(hasFewRows(shape, { simd }), `${m} x ${k} x ${n}`);
            const packed = multiply(emitMatmul, shape, simd).out;
            for (const unitByUnit of [false, true]) {
              const { out, beside } = multiply(emitFewRows, shape, simd, unitByUnit);
              assert.ok(Buffer.from(out.buffer).equals(Buffer.from(packed.buffer)), `${m} x ${k} x ${n}`);
              assert.ok(beside.every(Number.isNaN), 'nothing is written beside the output');
            }
          }
        }
      }
    });
  }

  test('which those are', () => {
    const options = { simd: 'relaxed' } as const;
    assert.not.ok(hasFewRows(shapeOf(6, 64, 64), options), 'six rows are a tile');
    assert.not.ok(hasFewRows(shapeOf(1, 64, 10), options), 'ten columns are no whole vectors');
    assert.not.ok(hasFewRows(shapeOf(0, 64, 64), options));
    assert.not.ok(hasFewRows(shapeOf(1, 0, 64), options));
    const turned = { ...shapeOf(1, 64, 64), b: { batch: [], row: 1, column: 64 } };
    assert.not.ok(hasFewRows(turned, options), 'columns of B are adjacent');
    const several = { ...shapeOf(1, 64, 64), batch: [3] };
    assert.not.ok(hasFewRows(several, options), 'several matrices');
  });
});

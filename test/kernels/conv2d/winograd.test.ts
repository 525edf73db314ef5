import * as assert from 'uvu/assert';
import type { KernelCall } from '../../../kernels/contract.js';
import { type Conv2dSpecification, gridOf } from '../../../kernels/conv2d/contract.js';
import { conv2dInputGradientWasm, conv2dWasm } from '../../../kernels/conv2d/wasm.js';
import { usesWinograd, type WinogradShape } from '../../../kernels/conv2d/winograd.js';
import { maxPoolWasm } from '../../../kernels/maxPool/wasm.js';
import type { WasmCode, WasmOptions } from '../../../kernels/toolkit/wasm/kernel.js';
import type { Dtype } from '../../../src/core/dtype.js';
import { randomUniform } from '../../../src/core/random.js';
import { rowMajorStrides, type Shape, sizeOf } from '../../../src/core/shape.js';
import type { KernelRun } from '../../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { suite } from '../../support/suite.js';
import { levels } from '../wasmSupport.js';

type Four = readonly [number, number, number, number];
type Make<S> = (call: KernelCall<S>, options: WasmOptions) => WasmCode;

const layout = (shape: Shape, dtype: Dtype = 'float32') => ({
  dtype,
  shape,
  strides: rowMajorStrides(shape),
});

/** Runs generated code on float32 inputs; the bytes of each output. */
function run<S>(
  make: Make<S>,
  call: KernelCall<S>,
  inputs: readonly Float32Array[],
  simd: SimdLevel,
): Uint8Array[] {
  const code = make(call, { simd, shared: false });
  const sizes = [...call.inputs, ...call.outputs].map(({ shape }) => 4 * sizeOf(shape));
  let end = 64;
  const addresses = [...sizes, code.scratchBytes].map((bytes) => {
    const address = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return address;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) });
  for (const [i, data] of inputs.entries()) {
    new Float32Array(memory.buffer, addresses[i]!, data.length).set(data);
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory } });
  const pointers = code.scratchBytes > 0 ? addresses : addresses.slice(0, -1);
  const kernel = instance.exports.run as KernelRun;
  kernel(...pointers, 0, code.units);
  return call.outputs.map(({ shape, dtype }, o) => {
    const bytes = sizeOf(shape) * (dtype === 'uint8' ? 1 : 4);
    return new Uint8Array(memory.buffer, addresses[inputs.length + o]!, bytes).slice();
  });
}

const floats = (bytes: Uint8Array) => new Float32Array(bytes.buffer);

function conv2dCall(x: Four, filters: number, pixels: number): KernelCall<Conv2dSpecification> {
  const padding = { top: pixels, bottom: pixels, left: pixels, right: pixels };
  const specification = { strides: [1, 1], padding } as const;
  const grid = gridOf(specification, [x[1], x[2]], [3, 3]);
  return {
    specification,
    inputs: [layout(x), layout([3, 3, x[3], filters])],
    outputs: [layout([x[0], ...grid, filters])],
  };
}

type Fill = (index: number, key: number) => number;
const filled = (shape: Shape, key: number, fill: Fill) =>
  Float32Array.from({ length: sizeOf(shape) }, (_, index) => fill(index, key));

const oneScale: Fill = (index, key) => 2 * randomUniform(index, key, 0) - 1;
const positive: Fill = (index, key) => randomUniform(index, key, 0);
const manyScales: Fill = (index, key) => {
  const exponent = Math.round(40 * randomUniform(index, key + 1, 0)) - 20;
  return oneScale(index, key) * 2 ** exponent;
};

const unit = 2 ** -24;

// |Bᵀ|, |G| and |Aᵀ|, written out anew
const image = [
  [1, 0, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 0, 1],
];
const filter = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, 0.5, 0.5],
  [0, 0, 1],
];
const result = [
  [1, 1, 1, 0],
  [0, 1, 1, 1],
];

/** a · m · aᵀ */
function sandwich(a: readonly (readonly number[])[], m: readonly (readonly number[])[]): number[][] {
  const product = a.map((row) => m[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * m[k]![j]!, 0)));
  return product.map((row) => a.map((other) => row.reduce((sum, v, k) => sum + v * other[k]!, 0)));
}

interface Element {
  /** In float64. */
  readonly exact: number;
  /** Summed in float32 in the order of the direct kernel. */
  readonly direct: number;
  /** Σ_c |Aᵀ| ((|G| |w| |Gᵀ|) ⊙ (|Bᵀ| |x| |B|)) |A| */
  readonly componentwise: number;
  /** max |x| over the window · Σ |w| */
  readonly normwise: number;
  readonly magnitude: number;
}

/** Element [0, i, j, o] of an unpadded convolution of one image, from all sides. */
function element(
  x: Float32Array,
  w: Float32Array,
  shape: Four,
  filters: number,
  at: readonly number[],
): Element {
  const [, , width, channels] = shape;
  const [i, j, o] = at as [number, number, number];
  const pixel = (p: number, q: number, c: number) =>
    p < shape[1] && q < width ? x[(p * width + q) * channels + c]! : 0;
  const weight = (a: number, b: number, c: number) => w[((a * 3 + b) * channels + c) * filters + o]!;
  let [exact, direct, componentwise, largest, weights, magnitude] = [0, 0, 0, 0, 0, 0];
  const [top, left] = [i - (i % 2), j - (j % 2)];
  for (let a = 0; a < 3; a++) {
    for (let b = 0; b < 3; b++) {
      for (let c = 0; c < channels; c++) {
        const product = pixel(i + a, j + b, c) * weight(a, b, c);
        exact += product;
        magnitude += Math.abs(product);
        direct = Math.fround(direct + Math.fround(product));
        weights += Math.abs(weight(a, b, c));
        largest = Math.max(largest, Math.abs(pixel(i + a, j + b, c)));
      }
    }
  }
  for (let c = 0; c < channels; c++) {
    const d = [0, 1, 2, 3].map((p) => [0, 1, 2, 3].map((q) => Math.abs(pixel(top + p, left + q, c))));
    const g = [0, 1, 2].map((a) => [0, 1, 2].map((b) => Math.abs(weight(a, b, c))));
    const [v, u] = [sandwich(image, d), sandwich(filter, g)];
    const m = v.map((row, p) => row.map((value, q) => value * u[p]![q]!));
    componentwise += sandwich(result, m)[i % 2]![j % 2]!;
  }
  return { exact, direct, componentwise, normwise: largest * weights, magnitude };
}

interface Errors {
  /** Largest error as a share of the two bounds. */
  componentwise: number;
  normwise: number;
  /** Root mean square of error ÷ Σ |x·w|, here and summed directly. */
  rms: number;
  directRms: number;
}

/** Runs a convolution and holds it against float64. */
function errorsOf(shape: Four, filters: number, x: Float32Array, w: Float32Array, simd: SimdLevel): Errors {
  const call = conv2dCall(shape, filters, 0);
  const y = floats(run(conv2dWasm, call, [x, w], simd)[0]!);
  const [, rows, columns] = call.outputs[0]!.shape as Four;
  const errors = { componentwise: 0, normwise: 0, rms: 0, directRms: 0 };
  const roundings = shape[3] + 11;
  const gamma = (roundings * unit) / (1 - roundings * unit);
  for (let index = 0; index < y.length; index++) {
    const at = [
      Math.floor(index / filters / columns),
      Math.floor(index / filters) % columns,
      index % filters,
    ];
    const { exact, direct, componentwise, normwise, magnitude } = element(x, w, shape, filters, at);
    const error = Math.abs(y[index]! - exact);
    errors.componentwise = Math.max(errors.componentwise, error / (gamma * componentwise));
    errors.normwise = Math.max(errors.normwise, error / (16 * gamma * normwise));
    errors.rms += (error / magnitude) ** 2 / y.length;
    errors.directRms += ((direct - exact) / magnitude) ** 2 / y.length;
  }
  assert.is(y.length, rows * columns * filters);
  return { ...errors, rms: Math.sqrt(errors.rms), directRms: Math.sqrt(errors.directRms) };
}

suite('convolution by Winograd: accuracy', (test) => {
  const shapes: readonly (readonly [Four, number])[] = [
    [[1, 8, 9, 8], 8],
    [[1, 7, 6, 67], 9],
  ];
  for (const simd of levels) {
    for (const [shape, filters] of shapes) {
      const name = `${shape.join('x')} to ${filters} (${simd})`;
      const weights: Shape = [3, 3, shape[3], filters];

      test(`${name}: on one scale no worse than direct sums`, () => {
        for (const fill of [oneScale, positive]) {
          const errors = errorsOf(shape, filters, filled(shape, 1, fill), filled(weights, 2, fill), simd);
          assert.ok(errors.rms > 0 && errors.rms <= errors.directRms, JSON.stringify(errors));
          assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, JSON.stringify(errors));
        }
      });

      test(`${name}: within the bounds where scales differ`, () => {
        const fills: readonly (readonly [Fill, Fill])[] = [
          [manyScales, oneScale],
          [oneScale, manyScales],
          [manyScales, manyScales],
        ];
        for (const [pixels, numbers] of fills) {
          const errors = errorsOf(
            shape,
            filters,
            filled(shape, 3, pixels),
            filled(weights, 5, numbers),
            simd,
          );
          assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, JSON.stringify(errors));
        }
      });

      test(`${name}: large pixels under weights of 0 are felt, within the bounds`, () => {
        const x = filled(shape, 7, oneScale);
        for (let p = 1; p < shape[1]; p += 2) {
          for (let q = 1; q < shape[2]; q += 2) x[(p * shape[2] + q) * shape[3]]! *= 2 ** 20;
        }
        // but for the first of the nine: y is a sum over one pixel
        const w = filled(weights, 8, oneScale).fill(0, shape[3] * filters);
        const errors = errorsOf(shape, filters, x, w, simd);
        assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, JSON.stringify(errors));
        assert.ok(errors.rms > 100 * errors.directRms, JSON.stringify(errors));
      });

      test(`${name}: a pixel that is no number reaches the windows that hold it, and no others`, () => {
        const x = filled(shape, 9, oneScale);
        const [row, column] = [3, 2];
        x[(row * shape[2] + column) * shape[3]] = Number.NaN;
        const call = conv2dCall(shape, filters, 0);
        const y = floats(run(conv2dWasm, call, [x, filled(weights, 10, oneScale)], simd)[0]!);
        const [, , columns] = call.outputs[0]!.shape as Four;
        y.forEach((value, index) => {
          const [i, j] = [Math.floor(index / filters / columns), Math.floor(index / filters) % columns];
          const holds = i <= row && row < i + 3 && j <= column && column < j + 3;
          assert.is(Number.isNaN(value), holds, `element ${index}`);
        });
      });
    }
  }
});

suite('convolution by Winograd: bytes', (test) => {
  const whole: Fill = (index, key) => Math.floor(17 * randomUniform(index, key, 0)) - 8;
  const shape: Four = [3, 9, 8, 10];

  for (const simd of levels) {
    test(`whole numbers are exact (${simd})`, () => {
      const call = conv2dCall([1, 9, 8, 10], 12, 0);
      const [x, w] = call.inputs.map((operand, i) => filled(operand.shape, i, whole));
      const y = floats(run(conv2dWasm, call, [x!, w!], simd)[0]!);
      const [, , columns] = call.outputs[0]!.shape as Four;
      y.forEach((value, index) => {
        const at = [Math.floor(index / 12 / columns), Math.floor(index / 12) % columns, index % 12];
        assert.is(value, element(x!, w!, [1, 9, 8, 10], 12, at).exact);
      });
    });

    test(`an image has the same bytes alone as in a batch (${simd})`, () => {
      const call = conv2dCall(shape, 9, 1);
      const [x, w] = call.inputs.map((operand, i) => filled(operand.shape, i, oneScale));
      const [together] = run(conv2dWasm, call, [x!, w!], simd);
      const single = conv2dCall([1, 9, 8, 10], 9, 1);
      const [last] = run(conv2dWasm, single, [x!.slice(2 * 720), w!], simd);
      assert.equal(last, together!.slice(2 * last!.length));
    });

    test(`pooled before or after it is stored (${simd})`, () => {
      for (const pixels of [0, 1]) {
        const call = conv2dCall(shape, 9, pixels);
        const data = call.inputs.map((operand, i) => filled(operand.shape, i, oneScale));
        const [batch, rows, columns, filters] = call.outputs[0]!.shape as Four;
        const pooled = [batch, Math.floor(rows / 2), Math.floor(columns / 2), filters];
        const pool = {
          ...{ window: [2, 2] as const, strides: [2, 2] as const, outputs: ['values', 'indices'] as const },
          padding: { top: 0, bottom: 0, left: 0, right: 0 },
        };
        const outputs = [layout(pooled), layout(pooled, 'uint8')];
        const specification = { ...call.specification, pool };
        const within = run(conv2dWasm, { ...call, specification, outputs }, data, simd);
        const [y] = run(conv2dWasm, call, data, simd);
        const poolCall = { specification: pool, inputs: call.outputs, outputs };
        assert.equal(within, run(maxPoolWasm, poolCall, [floats(y!)], simd));
      }
    });
  }
});

suite('the rule of Winograd', (test) => {
  const usual: WinogradShape = {
    window: [3, 3],
    strides: [1, 1],
    frame: { steps: [1, 1], channels: 8 },
    output: [4, 4, 8],
  };

  test('windows of 3x3 that move by 1, 8 channels to 8, 4x4 results', () => {
    assert.ok(usesWinograd(usual));
    const others: readonly WinogradShape[] = [
      { ...usual, window: [3, 2] },
      { ...usual, window: [5, 5] },
      { ...usual, strides: [1, 2] },
      { ...usual, frame: { steps: [2, 1], channels: 8 } },
      { ...usual, frame: { steps: [1, 1], channels: 7 } },
      { ...usual, output: [3, 4, 8] },
      { ...usual, output: [4, 3, 8] },
      { ...usual, output: [4, 4, 7] },
    ];
    for (const shape of others) assert.not.ok(usesWinograd(shape), JSON.stringify(shape));
  });

  test('it is printed, forward and backward', () => {
    const options = { simd: 'baseline', shared: false } as const;
    const call = conv2dCall([1, 8, 8, 16], 32, 0);
    assert.match(conv2dWasm(call, options).algorithm, /^convolution winograd 2x2 5x8, 3x3 tiles$/);
    const back = { ...call, inputs: [call.outputs[0]!, call.inputs[1]!], outputs: [call.inputs[0]!] };
    const { algorithm } = conv2dInputGradientWasm(back, options);
    assert.is(algorithm, 'input gradient winograd 2x2 5x8, 4x4 tiles, framed image');
    assert.match(conv2dWasm(conv2dCall([1, 8, 8, 7], 32, 0), options).algorithm, /direct/);
  });
});

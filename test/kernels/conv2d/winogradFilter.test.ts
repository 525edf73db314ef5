import * as assert from 'uvu/assert';
import type { KernelCall } from '../../../kernels/contract.js';
import type { Conv2dFilterGradientSpecification } from '../../../kernels/conv2d/contract.js';
import { denseFilterGradientWasm } from '../../../kernels/conv2d/filterGradient.js';
import { conv2dFilterGradientWasm } from '../../../kernels/conv2d/wasm.js';
import {
  filterGradientLayoutOf,
  filterGradientUsesWinograd,
  winogradFilterGradientWasm,
} from '../../../kernels/conv2d/winogradFilter.js';
import { randomUniform } from '../../../src/core/random.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { type CaseOf, defineCase, dense, type Fill, uniform } from '../../support/kernelCases/builders.js';
import { buffersOf } from '../../support/kernelCases.js';
import { suite } from '../../support/suite.js';
import { compileCase, levels, runWasmCase } from '../wasmSupport.js';

type FilterCase = CaseOf<'conv2dFilterGradient'>;

interface Geometry {
  readonly images: readonly [number, number, number, number];
  readonly filters: number;
  /** [top, bottom, left, right]; default: none */
  readonly pad?: readonly [number, number, number, number];
}

const same = [1, 1, 1, 1] as const;

function grid({ images, pad = [0, 0, 0, 0] }: Geometry): [number, number] {
  return [images[1] + pad[0] + pad[1] - 2, images[2] + pad[2] + pad[3] - 2];
}

function filterCase(geometry: Geometry, fills: readonly [Fill, Fill]): FilterCase {
  const { images, filters, pad = [0, 0, 0, 0] } = geometry;
  const [top, bottom, left, right] = pad;
  return defineCase(
    'conv2dFilterGradient',
    `${images.join('x')} to ${filters} pad ${pad}`,
    { strides: [1, 1], padding: { top, bottom, left, right } },
    [dense(images, 'float32', fills[0]), dense([images[0], ...grid(geometry), filters], 'float32', fills[1])],
    [[3, 3, images[3], filters]],
  );
}

function run(kernelCase: FilterCase, simd: SimdLevel, ranges = 1): Float32Array {
  const table = { conv2dFilterGradient: winogradFilterGradientWasm };
  const code = compileCase(table, kernelCase, { simd, shared: false });
  return runWasmCase(code, kernelCase, ranges)[0] as Float32Array;
}

function runDirect(kernelCase: FilterCase, simd: SimdLevel): Float32Array {
  const table = { conv2dFilterGradient: denseFilterGradientWasm };
  return runWasmCase(compileCase(table, kernelCase, { simd, shared: false }), kernelCase)[0] as Float32Array;
}

const oneScale: Fill = uniform(-1, 1);
const positive: Fill = uniform(0, 1);
const whole: Fill = (index, key) => Math.floor(17 * randomUniform(index, key, 0)) - 8;
const manyScales: Fill = (index, key) => {
  const exponent = Math.round(40 * randomUniform(index, key + 7, 0)) - 20;
  return oneScale(index, key) * 2 ** exponent;
};

const unit = 2 ** -24;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

// |Bᵀ|, |A| and |Gᵀ|, written out anew
const image = [
  [1, 0, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 0, 1],
];
const gradient = [
  [1, 0],
  [1, 1],
  [1, 1],
  [0, 1],
];
const filter = [
  [1, 0.5, 0.5, 0],
  [0, 0.5, 0.5, 0],
  [0, 0.5, 0.5, 1],
];

/** a · m · aᵀ */
function sandwich(a: readonly (readonly number[])[], m: readonly (readonly number[])[]): number[][] {
  const product = a.map((row) => m[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * m[k]![j]!, 0)));
  return product.map((row) => a.map((other) => row.reduce((sum, v, k) => sum + v * other[k]!, 0)));
}

interface Exact {
  /** dw in float64, and Σ |x·dy|. */
  readonly values: Float64Array;
  readonly magnitudes: Float64Array;
  /** Σ_tiles |Gᵀ| ((|Bᵀ| |d| |B|) ⊙ (|A| |g| |Aᵀ|)) |G| */
  readonly componentwise: Float64Array;
  /** max |x| · Σ |dy|, for each output. */
  readonly normwise: Float64Array;
}

/** The filter gradient from all sides, by its definition. */
function exact(geometry: Geometry, x: ArrayLike<number>, dy: ArrayLike<number>): Exact {
  const { images, filters, pad = [0, 0, 0, 0] } = geometry;
  const [batch, height, width, channels] = images;
  const [rows, columns] = grid(geometry);
  const size = 9 * channels * filters;
  const [values, magnitudes, componentwise] = range(3).map(() => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const pixel = (n: number, row: number, column: number, c: number) => {
    const [p, q] = [row - pad[0], column - pad[2]];
    return p >= 0 && p < height && q >= 0 && q < width
      ? x[((n * height + p) * width + q) * channels + c]!
      : 0;
  };
  const slope = (n: number, row: number, column: number, o: number) =>
    row < rows && column < columns ? dy[((n * rows + row) * columns + column) * filters + o]! : 0;
  const sums = new Float64Array(16 * channels * filters);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i += 2) {
      for (let j = 0; j < columns; j += 2) {
        const d = range(channels).map((c) =>
          range(4).map((p) => range(4).map((q) => pixel(n, i + p, j + q, c))),
        );
        const g = range(filters).map((o) =>
          range(2).map((p) => range(2).map((q) => slope(n, i + p, j + q, o))),
        );
        const size = (m: number[][]) => m.map((row) => row.map(Math.abs));
        const v = d.map((m) => sandwich(image, size(m)).flat());
        const z = g.map((m) => sandwich(gradient, size(m)).flat());
        for (let c = 0; c < channels; c++) {
          for (let o = 0; o < filters; o++) {
            for (let k = 0; k < 16; k++) sums[(c * filters + o) * 16 + k]! += v[c]![k]! * z[o]![k]!;
            for (let tap = 0; tap < 9; tap++) {
              const at = (tap * channels + c) * filters + o;
              for (let k = 0; k < 4; k++) {
                const [p, q] = [k >> 1, k & 1];
                const product = d[c]![p + Math.floor(tap / 3)]![q + (tap % 3)]! * g[o]![p]![q]!;
                values[at]! += product;
                magnitudes[at]! += Math.abs(product);
              }
            }
          }
        }
      }
    }
  }
  for (let pair = 0; pair < channels * filters; pair++) {
    const m = range(4).map((row) => [...sums.subarray(pair * 16 + 4 * row, pair * 16 + 4 * row + 4)]);
    for (const [tap, value] of sandwich(filter, m).flat().entries()) {
      componentwise[tap * channels * filters + pair] = value;
    }
  }
  const largest = Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const normwise = new Float64Array(filters);
  for (let index = 0; index < dy.length; index++)
    normwise[index % filters]! += largest * Math.abs(dy[index]!);
  return { values, magnitudes, componentwise, normwise };
}

interface Errors {
  /** Largest error as a share of the two bounds. */
  readonly componentwise: number;
  readonly normwise: number;
  /** Root mean square of error ÷ Σ |x·dy|, here and of the direct kernel. */
  readonly rms: number;
  readonly directRms: number;
}

/** Runs a filter gradient and holds it against float64. */
function errorsOf(geometry: Geometry, fills: readonly [Fill, Fill], simd: SimdLevel): Errors {
  const kernelCase = filterCase(geometry, fills);
  const [x, dy] = buffersOf(kernelCase);
  const { values, magnitudes, componentwise, normwise } = exact(geometry, x!, dy!);
  const actual = run(kernelCase, simd);
  const direct = runDirect(kernelCase, simd);
  assert.is(actual.length, values.length);
  const { blocks, tiles } = filterGradientLayoutOf(kernelCase.call, { simd });
  const roundings = blocks.size * tiles[1] + blocks.groups + 8;
  const gamma = (roundings * unit) / (1 - roundings * unit);
  const errors = { componentwise: 0, normwise: 0, rms: 0, directRms: 0 };
  for (const [index, value] of values.entries()) {
    const error = Math.abs(actual[index]! - value);
    // a tap that sees nothing but padding is 0 on both sides
    const share = (bound: number) => (error === 0 ? 0 : error / bound);
    errors.componentwise = Math.max(errors.componentwise, share(gamma * componentwise[index]!));
    errors.normwise = Math.max(errors.normwise, share(16 * gamma * normwise[index % geometry.filters]!));
    const magnitude = Math.max(magnitudes[index]!, Number.MIN_VALUE);
    errors.rms += (error / magnitude) ** 2 / values.length;
    errors.directRms += ((direct[index]! - value) / magnitude) ** 2 / values.length;
  }
  return { ...errors, rms: Math.sqrt(errors.rms), directRms: Math.sqrt(errors.directRms) };
}

const geometries: readonly Geometry[] = [
  { images: [1, 4, 4, 1], filters: 1, pad: same },
  { images: [3, 9, 7, 8], filters: 10, pad: same },
  { images: [3, 8, 9, 9], filters: 13 },
  { images: [128, 6, 6, 3], filters: 5 },
  { images: [40, 5, 4, 8], filters: 8, pad: [0, 1, 2, 0] },
  { images: [1, 13, 11, 67], filters: 9, pad: same },
  { images: [2, 7, 6, 70], filters: 70, pad: same },
  { images: [1, 6, 5, 300], filters: 70 },
];

suite('filter gradient by Winograd: accuracy', (test) => {
  for (const simd of levels) {
    for (const geometry of geometries) {
      const name = `${filterCase(geometry, [oneScale, oneScale]).name} (${simd})`;

      test(`${name}: within the bounds`, () => {
        const fills: readonly (readonly [Fill, Fill])[] = [
          [oneScale, oneScale],
          [manyScales, oneScale],
          [oneScale, manyScales],
        ];
        for (const [index, pair] of fills.entries()) {
          const errors = errorsOf(geometry, pair, simd);
          assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, `${index}: ${JSON.stringify(errors)}`);
        }
      });
    }

    test(`on one scale hardly worse than direct sums (${simd})`, () => {
      const geometry: Geometry = { images: [32, 14, 14, 8], filters: 8, pad: same };
      for (const fill of [oneScale, positive]) {
        const errors = errorsOf(geometry, [fill, fill], simd);
        assert.ok(errors.rms > 0 && errors.rms <= 2 * errors.directRms, JSON.stringify(errors));
      }
    });
  }
});

suite('filter gradient by Winograd: bytes', (test) => {
  for (const simd of levels) {
    test(`whole numbers are exact (${simd})`, () => {
      for (const geometry of geometries) {
        const kernelCase = filterCase(geometry, [whole, whole]);
        const [x, dy] = buffersOf(kernelCase);
        assert.equal([...run(kernelCase, simd)], [...exact(geometry, x!, dy!).values], kernelCase.name);
      }
    });

    test(`the same in any number of ranges (${simd})`, () => {
      for (const geometry of geometries) {
        const kernelCase = filterCase(geometry, [oneScale, oneScale]);
        const once = run(kernelCase, simd);
        for (const ranges of [2, 3, 4]) assert.equal(run(kernelCase, simd, ranges), once, `${ranges} ranges`);
      }
    });

    test(`what is no number stays with its channel, or with its output (${simd})`, () => {
      const geometry: Geometry = { images: [3, 6, 5, 9], filters: 11, pad: same };
      const [channel, output] = [4, 7];
      const notIn =
        (axis: number, place: number, index: number): Fill =>
        (i, key) =>
          i === index * axis + place ? Number.NaN : oneScale(i, key);
      const inImage = run(filterCase(geometry, [notIn(9, channel, 41), oneScale]), simd);
      const inGradient = run(filterCase(geometry, [oneScale, notIn(11, output, 50)]), simd);
      for (let index = 0; index < inImage.length; index++) {
        assert.ok(
          !Number.isNaN(inImage[index]!) || Math.floor(index / 11) % 9 === channel,
          `element ${index}`,
        );
        assert.ok(!Number.isNaN(inGradient[index]!) || index % 11 === output, `element ${index}`);
      }
      assert.ok(inImage.some(Number.isNaN) && inGradient.some(Number.isNaN));
    });
  }

  test('the cases have groups of panels, and blocks of two heights', () => {
    const layouts = geometries.map((geometry) =>
      filterGradientLayoutOf(filterCase(geometry, [oneScale, oneScale]).call, { simd: 'baseline' }),
    );
    assert.ok(layouts.some(({ group, panels: { count } }) => group < count && count % group > 0));
    assert.ok(layouts.some(({ blocks }) => blocks.groups > 1 && blocks.tall < blocks.groups));
  });
});

suite('the rule of filter gradients by Winograd', (test) => {
  const call = (changes: Partial<Geometry> = {}): KernelCall<Conv2dFilterGradientSpecification> =>
    filterCase({ images: [8, 4, 4, 8], filters: 8, pad: same, ...changes }, [oneScale, oneScale]).call;

  test('as of the convolution, with 32 tiles at least', () => {
    assert.ok(filterGradientUsesWinograd(call()));
    const usual = call();
    const others: readonly KernelCall<Conv2dFilterGradientSpecification>[] = [
      call({ images: [7, 4, 4, 8] }),
      call({ images: [8, 4, 4, 7] }),
      call({ filters: 7 }),
      call({ images: [32, 3, 4, 8] }),
      call({ images: [0, 4, 4, 8] }),
      { ...usual, specification: { ...usual.specification, strides: [2, 1] } },
      { ...usual, outputs: [{ ...usual.outputs[0]!, shape: [3, 2, 8, 8] }] },
      {
        ...usual,
        specification: {
          ...usual.specification,
          route: { window: [2, 2], strides: [2, 2], padding: { top: 0, bottom: 0, left: 0, right: 0 } },
        },
      },
    ];
    for (const other of others) assert.not.ok(filterGradientUsesWinograd(other), JSON.stringify(other));
  });

  test('it is printed', () => {
    const options = { simd: 'baseline', shared: false } as const;
    const { algorithm } = conv2dFilterGradientWasm(call({ images: [9, 7, 7, 8] }), options);
    assert.is(algorithm, 'filter gradient winograd 2x2 5x8, 4x4 tiles, in 5 blocks, framed image');
    const plain = call({ images: [8, 6, 6, 8], pad: [0, 0, 0, 0] });
    assert.is(
      conv2dFilterGradientWasm(plain, options).algorithm,
      'filter gradient winograd 2x2 5x8, 2x2 tiles',
    );
    assert.match(conv2dFilterGradientWasm(call({ filters: 7 }), options).algorithm, /direct/);
  });
});

import * as assert from 'uvu/assert';
import type { KernelCall } from '../../../kernels/contract.js';
import type { Conv2dFilterGradientSpecification } from '../../../kernels/conv2d/contract.js';
import { denseFilterGradientWasm } from '../../../kernels/conv2d/filterGradient.js';
import { conv2dFilterGradientWasm } from '../../../kernels/conv2d/wasm.js';
import {
  filterGradientLayoutOf,
  filterGradientUsesWinograd,
} from '../../../kernels/conv2d/winogradFilter.js';
import {
  f2x3,
  f4x3,
  type Matrix,
  transposed,
  type Winograd,
} from '../../../kernels/conv2d/winogradTransforms.js';
import type { HostArray } from '../../../src/core/dtype.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import type { Fill } from '../../support/kernelCases/builders.js';
import { buffersOf } from '../../support/kernelCases.js';
import { suite } from '../../support/suite.js';
import { levels } from '../wasmSupport.js';
import {
  algorithms,
  amplification,
  type Geometry,
  gammaOf,
  manyScales,
  oneScale,
  passCase,
  positive,
  range,
  roundingsOf,
  run,
  same,
  sandwich,
  sizeOfEach,
  sizesOf,
  type TileOn,
  tilesOn,
  whole,
  winogradKernels,
} from './winogradSupport.js';

const filterCase = (geometry: Geometry, fills: readonly [Fill, Fill]) =>
  passCase('conv2dFilterGradient', geometry, fills);
type FilterCase = ReturnType<typeof filterCase>;
const kernels = winogradKernels(f4x3);
const allFills = [oneScale, manyScales, positive, whole];

interface Exact {
  /** dw in float64, and Σ |x·dy|. */
  readonly values: Float64Array;
  readonly magnitudes: Float64Array;
  /** Σ_tiles |Gᵀ| ((|Bᵀ| |d| |B|) ⊙ (|A| |g| |Aᵀ|)) |G| */
  readonly componentwise: Float64Array;
  /** max |x| · Σ |dy|, for each output. */
  readonly normwise: Float64Array;
}

const known = new Map<string, Exact>();

/** What `definitionOf` gives, computed once for all levels of SIMD. */
function exact(geometry: Geometry, fills: readonly [Fill, Fill], algorithm: Winograd): Exact {
  const { results, window } = algorithm;
  const key = JSON.stringify([geometry, fills.map((fill) => allFills.indexOf(fill)), results, window]);
  const found = known.get(key) ?? definitionOf(filterCase(geometry, fills), geometry, algorithm);
  known.set(key, found);
  return found;
}

/** The filter gradient from all sides, by its definition. */
function definitionOf(kernelCase: FilterCase, geometry: Geometry, algorithm: Winograd): Exact {
  const [x, dy] = buffersOf(kernelCase) as [HostArray, HostArray];
  const { x: images, w, y, pad } = sizesOf(geometry);
  const [batch, height, width, channels] = images;
  const [, rows, columns, filters] = y;
  const { window: r, filter } = algorithm;
  const side = filter.length;
  const size = r * r * channels * filters;
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
  const square = (height: number, width: number, at: (p: number, q: number) => number) =>
    range(height).map((p) => range(width).map((q) => at(p, q)));
  const layout = filterGradientLayoutOf(kernelCase.call, { simd: 'baseline' }, algorithm);
  const gradientOf = ({ result }: TileOn) => sizeOfEach(transposed(result));
  const sums = new Float64Array(side * side * channels * filters);
  /** Adds what a tile has for a channel and an output. */
  const addPair = (pair: number, pixels: Matrix, slopes: Matrix) => {
    for (let tap = 0; tap < r * r; tap++) {
      const [a, b] = [Math.floor(tap / r), tap % r];
      const at = tap * channels * filters + pair;
      for (const [p, line] of slopes.entries()) {
        for (const [q, slope] of line.entries()) {
          const product = pixels[p + a]![q + b]! * slope;
          values[at]! += product;
          magnitudes[at]! += Math.abs(product);
        }
      }
    }
  };
  const addTile = (n: number, down: TileOn, along: TileOn) => {
    const places = [down.image.length, along.image.length] as const;
    const d = range(channels).map((c) =>
      square(...places, (p, q) => pixel(n, down.start + p, along.start + q, c)),
    );
    const g = range(filters).map((o) =>
      square(down.results, along.results, (p, q) => slope(n, down.start + p, along.start + q, o)),
    );
    const v = d.map((tile) => sandwich(sizeOfEach(down.image), sizeOfEach(tile), sizeOfEach(along.image)));
    const z = g.map((tile) => sandwich(gradientOf(down), sizeOfEach(tile), gradientOf(along)));
    for (let pair = 0; pair < channels * filters; pair++) {
      const [c, o] = [Math.floor(pair / filters), pair % filters];
      for (const [p, line] of v[c]!.entries()) {
        for (const [q, value] of line.entries()) {
          sums[(pair * side + p) * side + q]! += value * z[o]![p]![q]!;
        }
      }
      addPair(pair, d[c]!, g[o]!);
    }
  };
  for (let n = 0; n < batch; n++) {
    for (const down of tilesOn(algorithm, layout.rows)) {
      for (const along of tilesOn(algorithm, layout.columns)) addTile(n, down, along);
    }
  }
  const back = sizeOfEach(transposed(filter));
  for (let pair = 0; pair < channels * filters; pair++) {
    const total = square(side, side, (p, q) => sums[(pair * side + p) * side + q]!);
    for (const [tap, value] of sandwich(back, total).flat().entries()) {
      componentwise[tap * channels * filters + pair] = value;
    }
  }
  const largest = Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const normwise = new Float64Array(filters);
  for (let index = 0; index < dy.length; index++)
    normwise[index % filters]! += largest * Math.abs(dy[index]!);
  assert.is(w[0], r);
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
function errorsOf(
  geometry: Geometry,
  fills: readonly [Fill, Fill],
  simd: SimdLevel,
  algorithm: Winograd = f4x3,
): Errors {
  const kernelCase = filterCase(geometry, fills);
  const { values, magnitudes, componentwise, normwise } = exact(geometry, fills, algorithm);
  const actual = run(winogradKernels(algorithm), kernelCase, simd);
  const direct = run({ conv2dFilterGradient: denseFilterGradientWasm }, kernelCase, simd);
  assert.is(actual.length, values.length);
  const { blocks, blockTiles } = filterGradientLayoutOf(kernelCase.call, { simd }, algorithm);
  const matrices = [algorithm.image, transposed(algorithm.result), transposed(algorithm.filter)] as const;
  const transforms = matrices.reduce((sum, matrix) => sum + roundingsOf(matrix), 0);
  const gamma = gammaOf(blockTiles + blocks.groups + transforms);
  const allowed = amplification(matrices[2], matrices[1], matrices[0]);
  const errors = { componentwise: 0, normwise: 0, rms: 0, directRms: 0 };
  for (const [index, value] of values.entries()) {
    const error = Math.abs(actual[index]! - value);
    // a tap that sees nothing but padding is 0 on both sides
    const share = (bound: number) => (error === 0 ? 0 : error / bound);
    errors.componentwise = Math.max(errors.componentwise, share(gamma * componentwise[index]!));
    errors.normwise = Math.max(errors.normwise, share(allowed * gamma * normwise[index % geometry.filters]!));
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
  { images: [1, 6, 5, 300], filters: 58 },
  { images: [7, 13, 11, 9], filters: 9, pad: same },
  { images: [2, 26, 25, 3], filters: 5, pad: same },
];

const fillings: readonly (readonly [Fill, Fill])[] = [
  [oneScale, oneScale],
  [manyScales, oneScale],
  [oneScale, manyScales],
];

suite('filter gradient by Winograd: accuracy', (test) => {
  for (const simd of levels) {
    for (const geometry of geometries) {
      const name = `${filterCase(geometry, [oneScale, oneScale]).name} (${simd})`;

      test(`${name}: within the bounds`, () => {
        for (const [index, pair] of fillings.entries()) {
          const errors = errorsOf(geometry, pair, simd);
          assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, `${index}: ${JSON.stringify(errors)}`);
        }
      });
    }

    for (const [title, algorithm] of Object.entries(algorithms)) {
      if (algorithm === f4x3) continue;
      for (const few of [
        { images: [3, 9, 7, 8], filters: 10, pad: same },
        { images: [2, 13, 12, 9], filters: 13 },
        { images: [40, 6, 9, 3], filters: 5, pad: [0, 1, 2, 0] },
      ] satisfies Geometry[]) {
        const geometry: Geometry = { ...few, window: algorithm.window };
        test(`${title}, ${filterCase(geometry, [oneScale, oneScale]).name}: within the bounds (${simd})`, () => {
          for (const [index, pair] of fillings.entries()) {
            const errors = errorsOf(geometry, pair, simd, algorithm);
            assert.ok(
              errors.componentwise <= 1 && errors.normwise <= 1,
              `${index}: ${JSON.stringify(errors)}`,
            );
          }
        });
      }
    }

    test(`on one scale at most eight times as far off as direct sums (${simd})`, () => {
      const geometry: Geometry = { images: [32, 14, 14, 8], filters: 8, pad: same };
      for (const fill of [oneScale, positive]) {
        const errors = errorsOf(geometry, [fill, fill], simd);
        assert.ok(errors.rms > 0 && errors.rms <= 8 * errors.directRms, JSON.stringify(errors));
      }
    });
  }
});

suite('filter gradient by Winograd: bytes', (test) => {
  for (const simd of levels) {
    test(`whole numbers are exact (${simd})`, () => {
      for (const geometry of geometries) {
        const kernelCase = filterCase(geometry, [whole, whole]);
        const { values } = exact(geometry, [whole, whole], f2x3);
        assert.equal([...run(winogradKernels(f2x3), kernelCase, simd)], [...values], kernelCase.name);
      }
    });

    test(`the same in any number of ranges (${simd})`, () => {
      for (const geometry of geometries) {
        const kernelCase = filterCase(geometry, [oneScale, oneScale]);
        const once = run(kernels, kernelCase, simd);
        for (const ranges of [2, 3, 4])
          assert.equal(run(kernels, kernelCase, simd, ranges), once, `${ranges} ranges`);
      }
    });

    test(`what is no number stays with its channel, or with its output (${simd})`, () => {
      const geometry: Geometry = { images: [3, 6, 5, 9], filters: 11, pad: same };
      const [channel, output] = [4, 7];
      const notIn =
        (axis: number, place: number, index: number): Fill =>
        (i, key) =>
          i === index * axis + place ? Number.NaN : oneScale(i, key);
      const inImage = run(kernels, filterCase(geometry, [notIn(9, channel, 41), oneScale]), simd);
      const inGradient = run(kernels, filterCase(geometry, [oneScale, notIn(11, output, 50)]), simd);
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
    filterCase({ images: [32, 4, 4, 8], filters: 8, pad: same, ...changes }, [oneScale, oneScale]).call;

  test('as of the convolution, with 32 tiles at least', () => {
    assert.ok(filterGradientUsesWinograd(call()));
    const usual = call();
    const others: readonly KernelCall<Conv2dFilterGradientSpecification>[] = [
      call({ images: [31, 4, 4, 8] }),
      call({ images: [32, 4, 4, 7] }),
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
    const { algorithm } = conv2dFilterGradientWasm(call({ images: [20, 7, 7, 8] }), options);
    assert.is(algorithm, 'filter gradient winograd 4x4 5x8, 2x2 tiles, in 3 blocks, framed image');
    const plain = call({ images: [32, 6, 6, 8], pad: [0, 0, 0, 0] });
    assert.is(
      conv2dFilterGradientWasm(plain, options).algorithm,
      'filter gradient winograd 4x4 5x8, 1x1 tiles',
    );
    assert.match(conv2dFilterGradientWasm(call({ filters: 7 }), options).algorithm, /direct/);
  });
});

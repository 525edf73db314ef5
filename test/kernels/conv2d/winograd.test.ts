import * as assert from 'uvu/assert';
import { tilesAlong } from '../../../kernels/conv2d/winogradTiles.js';
import { f2x3, f4x3, type Winograd } from '../../../kernels/conv2d/winogradTransforms.js';
import { wasmKernels } from '../../../kernels/wasm.js';
import type { HostArray } from '../../../src/core/dtype.js';
import { type CaseOf, defineCase, dense, type Fill } from '../../support/kernelCases/builders.js';
import { buffersOf } from '../../support/kernelCases.js';
import { suite } from '../../support/suite.js';
import { compileCase, levels, runWasmCase } from '../wasmSupport.js';
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
  specificationOf,
  type TileOn,
  tilesOn,
  whole,
  winogradKernels,
} from './winogradSupport.js';

suite('matrices of Winograd', (test) => {
  const matrices = Object.entries(algorithms).flatMap(([name, whole]): [string, Omit<Winograd, 'edge'>][] => {
    const { edge } = whole;
    if (edge === undefined) return [[name, whole]];
    const filter = whole.filter.slice(0, edge.image.length);
    const smaller: [string, Winograd] = [`${name}, its smaller one`, { ...whole, ...edge, filter }];
    return [[name, whole], smaller];
  });
  for (const [name, { results, window, image, filter, result }] of matrices) {
    test(`${name}: Aᵀ [(G g) ⊙ (Bᵀ d)] is a correlation`, () => {
      const times = (m: readonly (readonly number[])[], x: number[]) =>
        m.map((row) => row.reduce((sum, value, k) => sum + value * x[k]!, 0));
      for (let pixel = 0; pixel < results + window - 1; pixel++) {
        for (let tap = 0; tap < window; tap++) {
          const d = range(results + window - 1).map((p) => Number(p === pixel));
          const g = range(window).map((p) => Number(p === tap));
          const [u, v] = [times(filter, g), times(image, d)];
          const products = u.map((value, k) => value * v[k]!);
          for (const [i, value] of times(result, products).entries()) {
            assert.ok(Math.abs(value - Number(i + tap === pixel)) < 1e-12, `${i} ${tap} ${pixel}: ${value}`);
          }
        }
      }
    });
  }
  test('what their normwise bounds allow for', () => {
    const allowed = Object.values(algorithms).map(({ image, filter, result }) =>
      Math.round(amplification(result, filter, image)),
    );
    assert.equal(allowed, [16, 860, 860]);
  });
});

interface Element {
  /** In float64. */
  readonly exact: number;
  /** Summed in float32 in the order of the direct kernel. */
  readonly direct: number;
  /** Σ_c |Aᵀ| ((|G| |w| |Gᵀ|) ⊙ (|Bᵀ| |x| |B|)) |A| */
  readonly componentwise: number;
  /** max |x| over the pixels that it feels · Σ |w| */
  readonly normwise: number;
  readonly magnitude: number;
}

/** All results of a convolution, from all sides. */
function elementsOf(kernelCase: CaseOf<'conv2d'>, geometry: Geometry, algorithm: Winograd): Element[] {
  const [x, w] = buffersOf(kernelCase) as [HostArray, HostArray];
  const { x: size, w: taps, y, pad } = sizesOf(geometry);
  const [, height, width, channels] = size;
  const [r, , , filters] = taps;
  const [batch, rows, columns] = y;
  const [tileRows, tileColumns] = [rows, columns].map((size) =>
    tilesOn(algorithm, tilesAlong(algorithm, size)),
  );
  /** Which pixels of a tile along an axis a result feels. */
  const felt = ({ result, image }: TileOn, index: number) =>
    range(image.length).filter((p) => result[index]!.some((value, k) => value * image[k]![p]! !== 0));
  const pixel = (n: number, row: number, column: number, c: number) => {
    const [p, q] = [row - pad[0], column - pad[2]];
    return p >= 0 && p < height && q >= 0 && q < width
      ? x[((n * height + p) * width + q) * channels + c]!
      : 0;
  };
  const weight = (a: number, b: number, c: number, o: number) =>
    w[((a * r + b) * channels + c) * filters + o]!;
  const square = (down: readonly number[], along: readonly number[], at: (p: number, q: number) => number) =>
    down.map((p) => along.map((q) => at(p, q)));
  const tapsOf = (pair: number) =>
    square(range(r), range(r), (a, b) => Math.abs(weight(a, b, Math.floor(pair / filters), pair % filters)));
  /** For one tile: what every pixel of it has at most, and every result of every filter. */
  const boundsOf = (n: number, down: TileOn, along: TileOn) => {
    const sizes = (of: 'image' | 'filter' | 'result') =>
      [sizeOfEach(down[of]), sizeOfEach(along[of])] as const;
    const [[imageDown, imageAlong], [filterDown, filterAlong]] = [sizes('image'), sizes('filter')];
    const [resultDown, resultAlong] = sizes('result');
    const places = [range(down.image.length), range(along.image.length)] as const;
    const d = range(channels).map((c) =>
      square(...places, (p, q) => Math.abs(pixel(n, down.start + p, along.start + q, c))),
    );
    const v = d.map((tile) => sandwich(imageDown, tile, imageAlong));
    const bounds = range(filters).map((o) => {
      const u = range(channels).map((c) => sandwich(filterDown, tapsOf(c * filters + o), filterAlong));
      const sum = (p: number, q: number) =>
        v.reduce((total, tile, c) => total + tile[p]![q]! * u[c]![p]![q]!, 0);
      return sandwich(resultDown, square(...places, sum), resultAlong);
    });
    return { largest: square(...places, (p, q) => Math.max(...d.map((tile) => tile[p]![q]!))), bounds };
  };
  const known = new Map<string, ReturnType<typeof boundsOf>>();
  return range(batch * rows * columns * filters).map((index) => {
    const place = Math.floor(index / filters);
    const [n, i, j, o] = [
      Math.floor(place / columns / rows),
      Math.floor(place / columns) % rows,
      place % columns,
      index % filters,
    ];
    let [exact, direct, weights, magnitude] = [0, 0, 0, 0];
    for (let a = 0; a < r; a++) {
      for (let b = 0; b < r; b++) {
        for (let c = 0; c < channels; c++) {
          const product = pixel(n, i + a, j + b, c) * weight(a, b, c, o);
          exact += product;
          magnitude += Math.abs(product);
          direct = Math.fround(direct + Math.fround(product));
          weights += Math.abs(weight(a, b, c, o));
        }
      }
    }
    const at = (tiles: readonly TileOn[], index: number) => tiles.findLast(({ start }) => start <= index)!;
    const [down, along] = [at(tileRows!, i), at(tileColumns!, j)];
    const key = `${n} ${down.start} ${along.start}`;
    const tile = known.get(key) ?? boundsOf(n, down, along);
    known.set(key, tile);
    const [row, column] = [i - down.start, j - along.start];
    const pixels = felt(down, row).flatMap((p) => felt(along, column).map((q) => tile.largest[p]![q]!));
    const largest = Math.max(...pixels);
    const componentwise = tile.bounds[o]![row]![column]!;
    return { exact, direct, componentwise, normwise: largest * weights, magnitude };
  });
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
function errorsOf(
  kernelCase: CaseOf<'conv2d'>,
  geometry: Geometry,
  simd: (typeof levels)[number],
  algorithm: Winograd = f2x3,
): Errors {
  const y = run(winogradKernels(algorithm), kernelCase, simd);
  const { image, filter, result } = algorithm;
  const transforms = [image, filter, result].reduce((sum, matrix) => sum + roundingsOf(matrix), 0);
  const gamma = gammaOf(geometry.images[3] + transforms + 1);
  const allowed = amplification(result, filter, image);
  const errors = { componentwise: 0, normwise: 0, rms: 0, directRms: 0 };
  const elements = elementsOf(kernelCase, geometry, algorithm);
  y.forEach((value, index) => {
    const { exact, direct, componentwise, normwise, magnitude } = elements[index]!;
    const error = Math.abs(value - exact);
    const share = (bound: number) => (error === 0 ? 0 : error / bound);
    errors.componentwise = Math.max(errors.componentwise, share(gamma * componentwise));
    errors.normwise = Math.max(errors.normwise, share(allowed * gamma * normwise));
    errors.rms += (error / magnitude) ** 2 / y.length;
    errors.directRms += ((direct - exact) / magnitude) ** 2 / y.length;
  });
  return { ...errors, rms: Math.sqrt(errors.rms), directRms: Math.sqrt(errors.directRms) };
}

const fillings: readonly (readonly [Fill, Fill])[] = [
  [oneScale, oneScale],
  [manyScales, oneScale],
  [oneScale, manyScales],
  [manyScales, manyScales],
];

for (const [title, algorithm] of Object.entries(algorithms)) {
  const { window } = algorithm;
  const kernels = winogradKernels(algorithm);
  const geometries: readonly Geometry[] = [
    { images: [1, 8, 9, 8], filters: 8, window },
    { images: [1, 7, 6, algorithm === f2x3 ? 67 : 17], filters: 9, window },
    { images: [1, 11, 10, 5], filters: 11, window, pad: same },
  ];
  suite(`convolution by ${title}`, (test) => {
    for (const simd of levels) {
      for (const geometry of geometries) {
        const name = passCase('conv2d', geometry, [oneScale, oneScale]).name;
        test(`${name}: within the bounds (${simd})`, () => {
          for (const fills of fillings) {
            const errors = errorsOf(passCase('conv2d', geometry, fills), geometry, simd, algorithm);
            assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, JSON.stringify(errors));
          }
        });
      }

      test(`an image has the same bytes alone as in a batch (${simd})`, () => {
        const size = 9 * 8 * 10;
        const from =
          (image: number) =>
          (fill: Fill): Fill =>
          (index, key) =>
            fill(index + image * size, key);
        const of = (batch: number, fill: Fill) => {
          const geometry: Geometry = { images: [batch, 9, 8, 10], filters: 9, window, pad: same };
          const kernelCase = passCase('conv2d', geometry, [
            (index) => fill(index, 5),
            (index) => oneScale(index, 6),
          ]);
          return run(kernels, kernelCase, simd);
        };
        const [together, last] = [of(3, oneScale), of(1, from(2)(oneScale))];
        assert.equal(last, together.slice(2 * last.length));
      });

      test(`small images that are done together have the bytes that each has alone (${simd})`, () => {
        const [batch, height, width, channels] = [96, 7, 6, 10];
        const size = height * width * channels;
        for (const pad of [same, [0, 0, 0, 0] as const]) {
          const of = (
            kind: 'conv2d' | 'conv2dInputGradient',
            batch: number,
            first: number,
            ranges?: number,
          ) => {
            const geometry: Geometry = { images: [batch, height, width, channels], filters: 9, window, pad };
            const { y } = sizesOf(geometry);
            const each = kind === 'conv2d' ? size : y[1] * y[2] * y[3];
            const fills: [Fill, Fill] = [
              (index) => oneScale(index + first * each, 5),
              (index) => oneScale(index, 6),
            ];
            const kernelCase = passCase(kind, geometry, fills);
            const { units } = compileCase(kernels, kernelCase, { simd, shared: false });
            if (algorithm === f4x3 && batch > 1) assert.ok(units < batch, `${units} units`);
            return run(kernels, kernelCase, simd, ranges);
          };
          for (const kind of ['conv2d', 'conv2dInputGradient'] as const) {
            const together = of(kind, batch, 0);
            assert.equal(of(kind, batch, 0, 5), together);
            for (const image of [0, 1, 5, 94, 95]) {
              const alone = of(kind, 1, image);
              assert.equal(alone, together.slice(image * alone.length, (image + 1) * alone.length));
            }
          }
        }
      });

      test(`pooled before or after it is stored (${simd})`, () => {
        for (const [height, width] of [
          [9, 8],
          [12, 11],
          [10, 13],
        ] as const) {
          const geometry: Geometry = { images: [2, height, width, 10], filters: 9, window, pad: same };
          const { x, w, y } = sizesOf(geometry);
          const pooled = [y[0], Math.floor(y[1] / 2), Math.floor(y[2] / 2), y[3]];
          const pool = {
            ...{ window: [2, 2] as const, strides: [2, 2] as const, outputs: ['values', 'indices'] as const },
            padding: { top: 0, bottom: 0, left: 0, right: 0 },
          };
          const outputs = [pooled, { dtype: 'uint8' as const, shape: pooled }];
          const fills: [Fill, Fill] = [(index) => oneScale(index, 5), (index) => oneScale(index, 6)];
          const inputs = [dense(x, 'float32', fills[0]), dense(w, 'float32', fills[1])];
          const specification = { ...specificationOf(sizesOf(geometry)), pool };
          const within = defineCase('conv2d', 'pooled', specification, inputs, outputs);
          const stored = run(kernels, passCase('conv2d', geometry, fills), simd);
          const behind = defineCase(
            'maxPool',
            'behind',
            pool,
            [dense(y, 'float32', (index) => stored[index]!)],
            outputs,
          );
          const options = { simd, shared: false };
          const ours = runWasmCase(compileCase(kernels, within, options), within);
          const expected = runWasmCase(compileCase(wasmKernels, behind, options), behind);
          // a pool asks for two of the last three results, which a smaller tile makes
          const differs = algorithm.edge !== undefined && width % 4 === 3;
          if (!differs) assert.equal(ours, expected);
          for (const [i, value] of ours[0]!.entries()) assert.ok(Math.abs(value - expected[0]![i]!) < 1e-4);
        }
      });

      test(`the input gradient is the direct one's (${simd})`, () => {
        const geometry: Geometry = { images: [2, 9, 11, 5], filters: 11, window, pad: same };
        const gradient = passCase('conv2dInputGradient', geometry, [oneScale, oneScale]);
        const [ours, direct] = [run(kernels, gradient, simd), run(wasmKernels, gradient, simd)];
        ours.forEach((value, index) => {
          assert.ok(
            Math.abs(value - direct[index]!) < (algorithm === f2x3 ? 1e-5 : 1e-4),
            `${value} and ${direct[index]}`,
          );
        });
      });
    }
  });
}

suite('convolution by F(4x4, 3x3): how far it is off', (test) => {
  for (const simd of levels) {
    for (const geometry of [
      { images: [1, 14, 14, 32], filters: 8, pad: same },
      { images: [1, 7, 6, 128], filters: 9, pad: same },
    ] satisfies Geometry[]) {
      const [, height, width, channels] = geometry.images;
      test(`${height}x${width}x${channels}: at most eight times as far as direct sums (${simd})`, () => {
        for (const fill of [oneScale, positive]) {
          const errors = errorsOf(passCase('conv2d', geometry, [fill, fill]), geometry, simd, f4x3);
          assert.ok(errors.rms > 0 && errors.rms <= 8 * errors.directRms, JSON.stringify(errors));
        }
      });
    }
  }
});

suite('convolution by F(2x2, 3x3): what is its own', (test) => {
  const geometries: readonly Geometry[] = [
    { images: [1, 8, 9, 8], filters: 8 },
    { images: [1, 7, 6, 67], filters: 9 },
  ];
  for (const simd of levels) {
    for (const geometry of geometries) {
      const [, height, width, channels] = geometry.images;
      const { filters } = geometry;
      const name = `${geometry.images.join('x')} to ${filters} (${simd})`;

      test(`${name}: on one scale no worse than direct sums`, () => {
        for (const fill of [oneScale, positive]) {
          const errors = errorsOf(passCase('conv2d', geometry, [fill, fill]), geometry, simd);
          assert.ok(errors.rms > 0 && errors.rms <= errors.directRms, JSON.stringify(errors));
        }
      });

      test(`${name}: large pixels under weights of 0 are felt, within the bounds`, () => {
        const large: Fill = (index, key) => {
          const [p, q] = [Math.floor(index / channels / width), Math.floor(index / channels) % width];
          return oneScale(index, key) * (index % channels === 0 && p % 2 === 1 && q % 2 === 1 ? 2 ** 20 : 1);
        };
        // but for the first of the nine: y is a sum over one pixel
        const first: Fill = (index, key) => (index < channels * filters ? oneScale(index, key) : 0);
        const errors = errorsOf(passCase('conv2d', geometry, [large, first]), geometry, simd);
        assert.ok(errors.componentwise <= 1 && errors.normwise <= 1, JSON.stringify(errors));
        assert.ok(errors.rms > 100 * errors.directRms, JSON.stringify(errors));
      });

      test(`${name}: a pixel that is no number reaches the windows that hold it, and no others`, () => {
        const [row, column] = [3, 2];
        assert.ok(row < height && column < width);
        const place = (row * width + column) * channels;
        const notIn: Fill = (index, key) => (index === place ? Number.NaN : oneScale(index, key));
        const y = run(winogradKernels(f2x3), passCase('conv2d', geometry, [notIn, oneScale]), simd);
        const [, , columns] = sizesOf(geometry).y;
        y.forEach((value, index) => {
          const [i, j] = [Math.floor(index / filters / columns), Math.floor(index / filters) % columns];
          const holds = i <= row && row < i + 3 && j <= column && column < j + 3;
          assert.is(Number.isNaN(value), holds, `element ${index}`);
        });
      });
    }

    test(`whole numbers are exact (${simd})`, () => {
      const geometry: Geometry = { images: [1, 9, 8, 10], filters: 12 };
      const kernelCase = passCase('conv2d', geometry, [whole, whole]);
      const actual = run(winogradKernels(f2x3), kernelCase, simd);
      assert.equal(
        [...actual],
        elementsOf(kernelCase, geometry, f2x3).map(({ exact }) => exact),
      );
    });
  }
});

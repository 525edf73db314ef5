/** A first convolution window by window of the pool behind it: the bits of the tiles and of the lists. */
import * as assert from 'uvu/assert';
import { directCode } from '../../../kernels/conv2d/direct.js';
import { pooledWindowsCode, usesPooledWindows } from '../../../kernels/conv2d/pooledWindows.js';
import { routedFilterGradientWasm } from '../../../kernels/conv2d/routed.js';
import { hasFewTaps, windowsFilterGradientWasm } from '../../../kernels/conv2d/routedWindows.js';
import { forward } from '../../../kernels/conv2d/wasm.js';
import { call, constantOf, input, random } from '../../../src/core/expression.js';
import { randomUniform } from '../../../src/core/random.js';
import {
  type CaseOf,
  defineCase,
  dense,
  type Fill,
  integers,
  type KernelCase,
  stretched,
  uniform,
} from '../../support/kernelCases/builders.js';
import { suite } from '../../support/suite.js';
import { compileCase, levels, runWasmCase, type WasmTable } from '../wasmSupport.js';

interface Geometry {
  readonly images: readonly [number, number, number, number];
  readonly window: readonly [number, number];
  readonly strides?: readonly [number, number];
  /** top, bottom, left, right */
  readonly pad?: readonly [number, number, number, number];
  readonly filters: number;
}

const geometries: readonly Geometry[] = [
  { images: [3, 28, 28, 1], window: [3, 3], filters: 32 },
  { images: [2, 14, 13, 1], window: [3, 3], pad: [1, 1, 1, 1], filters: 12 },
  { images: [2, 11, 12, 1], window: [2, 4], strides: [2, 1], pad: [0, 1, 2, 0], filters: 4 },
  { images: [1, 12, 12, 1], window: [3, 2], filters: 20 },
  { images: [2, 13, 12, 1], window: [5, 2], filters: 8 },
];
/** Of more terms, channels or steps than the gradient takes. */
const forwardOnly: readonly Geometry[] = [
  { images: [2, 16, 15, 1], window: [5, 5], pad: [2, 2, 2, 2], filters: 6 },
  { images: [3, 10, 10, 2], window: [3, 3], filters: 10 },
  { images: [1, 12, 14, 1], window: [3, 3], strides: [1, 2], filters: 7 },
];

const number: Fill = (index, key) => (randomUniform(index, key, 0) - 0.5) * (index % 7 === 0 ? 1e-25 : 1);

/** Images, by what stands at a pixel (row, column), if it is not a number without a pattern. */
const images: Readonly<Record<string, (row: number, column: number) => number | undefined>> = {
  'no zeros': () => undefined,
  'all zeros': () => 0,
  'a border of zeros': (row, column) => (row < 4 || column < 5 || column > 9 ? 0 : undefined),
  'one pixel': (row, column) => (row === 6 && column === 7 ? undefined : 0),
  'zeros of both signs': (row) => (row % 6 < 5 ? (row % 2 === 0 ? 0 : -0) : undefined),
  'an infinity among zeros': (row, column) => (row === 5 && column === 4 ? Number.POSITIVE_INFINITY : 0),
  'a NaN': (row, column) => (row === 5 && column === 4 ? Number.NaN : column < 6 ? 0 : undefined),
};

const pixels =
  ([, , width, channels]: Geometry['images'], name: string): Fill =>
  (index, key) => {
    const column = Math.floor(index / channels) % width;
    const row = Math.floor(index / channels / width) % 28;
    return images[name]!(row, column) ?? number(index, key);
  };

const spoilt =
  (place: number, value: number): Fill =>
  (index, key) =>
    index === place ? value : uniform(-1, 1)(index, key);

const filterFills: Readonly<Record<string, Fill>> = {
  finite: uniform(-1, 1),
  'with an infinity': spoilt(3, Number.NEGATIVE_INFINITY),
  'with a NaN at its end': (index, key) => (index % 36 === 35 ? Number.NaN : uniform(-1, 1)(index, key)),
};

const gridOf = ({ images, window, strides = [1, 1], pad = [0, 0, 0, 0] }: Geometry) =>
  [0, 1].map((axis) => {
    const size = images[axis + 1]! + pad[2 * axis]! + pad[2 * axis + 1]!;
    return Math.floor((size - window[axis]!) / strides[axis]!) + 1;
  }) as [number, number];

const specificationOf = ({ strides = [1, 1], pad: [top, bottom, left, right] = [0, 0, 0, 0] }: Geometry) => ({
  strides,
  padding: { top, bottom, left, right },
});

const halves = {
  window: [2, 2],
  strides: [2, 2],
  padding: { top: 0, bottom: 0, left: 0, right: 0 },
} as const;

const biasAndRelu = { expression: call('relu', call('add', input(0), input(1))), operands: 1 };

interface Pooling {
  readonly image: string;
  readonly filter: string;
  readonly outputs?: readonly ('values' | 'indices')[];
  readonly epilogue?: boolean;
}

function forwardCase(
  geometry: Geometry,
  { image, filter, outputs = ['values', 'indices'], epilogue }: Pooling,
) {
  const { filters, window } = geometry;
  const [rows, columns] = gridOf(geometry);
  const y = [geometry.images[0], rows, columns, filters];
  const shape = [y[0]!, Math.floor(rows / 2), Math.floor(columns / 2), filters];
  const doubled = { expression: call('multiply', input(0), constantOf(2)), operands: 0 };
  return defineCase(
    'conv2d',
    `${JSON.stringify(geometry)} ${image} ${filter}`,
    {
      ...specificationOf(geometry),
      pool: { ...halves, outputs, prologue: biasAndRelu },
      ...(epilogue ? { epilogue: doubled } : {}),
    },
    [
      dense(geometry.images, 'float32', pixels(geometry.images, image)),
      dense([...window, geometry.images[3], filters], 'float32', filterFills[filter]),
      stretched(dense([filters]), y),
    ],
    outputs.map((name) => ({ dtype: name === 'values' ? ('float32' as const) : ('uint8' as const), shape })),
  );
}

function gradientCase(geometry: Geometry, image: string, values: Fill) {
  const [rows, columns] = gridOf(geometry);
  const { filters } = geometry;
  const pooled = [geometry.images[0], Math.floor(rows / 2), Math.floor(columns / 2), filters];
  return defineCase(
    'conv2dFilterGradient',
    `${JSON.stringify(geometry)} ${image}`,
    { ...specificationOf(geometry), route: halves },
    [
      dense(geometry.images, 'float32', pixels(geometry.images, image)),
      dense(pooled, 'float32', values),
      dense(pooled, 'uint8', integers(0, 3)),
    ],
    [[...geometry.window, geometry.images[3], filters]],
  );
}

const sparse: Fill = (index, key) =>
  index % 3 === 0 ? 0 : index % 3 === 1 && index % 2 === 0 ? -0 : number(index, key);
const valueFills: Readonly<Record<string, Fill>> = {
  'half of them zeros': sparse,
  'an infinity among them': (index, key) => (index === 40 ? Number.POSITIVE_INFINITY : sparse(index, key)),
  'a NaN among them': (index, key) => (index === 9 ? Number.NaN : sparse(index, key)),
};

/** The outputs of two ways have the same bytes, in one range and in three; NaNs are alike. */
function assertSame(kernelCase: KernelCase, tables: readonly [WasmTable, WasmTable]): void {
  for (const simd of levels) {
    const [own, other] = tables.map((table) => compileCase(table, kernelCase, { simd, shared: false }));
    const expected = runWasmCase(other!, kernelCase);
    for (const ranges of [1, 3]) {
      for (const [i, array] of runWasmCase(own!, kernelCase, ranges).entries()) {
        const message = `${kernelCase.name} ${simd} ${ranges}`;
        const differs = Array.from(array).findIndex((value, at) => !Object.is(value, expected[i]![at]));
        assert.is(differs, -1, message);
      }
    }
  }
}

const convolutions = [
  { conv2d: (kernelCall, options) => pooledWindowsCode(forward(kernelCall), options) },
  { conv2d: (kernelCall, options) => directCode(forward(kernelCall), options) },
] satisfies readonly WasmTable[];

const gradients = [
  { conv2dFilterGradient: windowsFilterGradientWasm },
  { conv2dFilterGradient: routedFilterGradientWasm },
] as unknown as readonly [WasmTable, WasmTable];

suite('convolutions by windows of a pool', (test) => {
  for (const image of Object.keys(images)) {
    test(`results, ${image}`, () => {
      for (const geometry of [...geometries, ...forwardOnly]) {
        for (const filter of Object.keys(filterFills)) {
          assertSame(forwardCase(geometry, { image, filter }), convolutions as [WasmTable, WasmTable]);
        }
      }
    });
    for (const [name, values] of Object.entries(valueFills)) {
      test(`gradients, ${image}, ${name}`, () => {
        for (const geometry of geometries) {
          assertSame(gradientCase(geometry, image, values), gradients);
        }
      });
    }
  }

  test('without indices, with an epilogue', () => {
    for (const outputs of [['values'], ['values', 'indices']] as const) {
      const pooling = { image: 'a border of zeros', filter: 'finite', outputs, epilogue: true };
      assertSame(forwardCase(geometries[1]!, pooling), convolutions as [WasmTable, WasmTable]);
    }
  });

  test('for few terms, in WebAssembly, and where all pixels are treated alike', () => {
    const uses = (kernelCase: CaseOf<'conv2d'>) =>
      usesPooledWindows(forward(kernelCase.call), { simd: 'baseline', shared: false });
    const plain = forwardCase(geometries[0]!, { image: 'no zeros', filter: 'finite' });
    assert.is(uses(plain), true);
    const { specification } = plain.call;
    const drawn = { expression: call('multiply', input(0), random(1, constantOf(0, 'int32'))), operands: 0 };
    const dropped = {
      ...plain,
      call: { ...plain.call, specification: { ...specification, epilogue: drawn } },
    };
    assert.is(uses(dropped), false);
    const many = { ...geometries[0]!, window: [6, 5] as const };
    assert.is(uses(forwardCase(many, { image: 'no zeros', filter: 'finite' })), false);
    const routed = (geometry: Geometry) =>
      hasFewTaps(gradientCase(geometry, 'no zeros', sparse).call as Parameters<typeof hasFewTaps>[0]);
    assert.equal(
      geometries.map(routed),
      geometries.map(() => true),
    );
    assert.equal(
      forwardOnly.map(routed),
      forwardOnly.map(() => false),
    );
  });
});

/** Cases whose kernels slide a window over images: convolutions and pools. */
import type { Padding } from '../../../kernels/contract.js';
import {
  type CaseOf,
  type CaseOperand,
  defineCase,
  dense,
  type Fill,
  integers,
  listed,
  quarters,
  sumTolerance,
  uniform,
} from './builders.js';
import type { Tolerance } from './compare.js';
import { type CaseEpilogue, caseEpilogues } from './matmul.js';

/** Images `[batch, height, width, channels]` under a window. */
export interface Geometry {
  readonly images: readonly [number, number, number, number];
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** [top, bottom, left, right] */
  readonly pad: readonly [number, number, number, number];
}

const none = [0, 0, 0, 0] as const;
const around = [1, 1, 1, 1] as const;

export function paddingOf({ pad: [top, bottom, left, right] }: Geometry): Padding {
  return { top, bottom, left, right };
}

/** `[batch, rows, columns]` of the grid of windows: as many as fit into the padded image. */
export function gridOf({ images, window, strides, pad }: Geometry): [number, number, number] {
  const rows = Math.floor((images[1] + pad[0] + pad[1] - window[0]) / strides[0]) + 1;
  const columns = Math.floor((images[2] + pad[2] + pad[3] - window[1]) / strides[1]) + 1;
  return [images[0], rows, columns];
}

function labelOf({ images, window, strides, pad }: Geometry): string {
  return `[${images}] under ${window.join('x')} by ${strides.join('x')} pad ${pad}`;
}

const convolutions: [geometry: Geometry, filters: number][] = [
  [{ images: [1, 1, 1, 1], window: [1, 1], strides: [1, 1], pad: none }, 1],
  [{ images: [1, 28, 28, 1], window: [3, 3], strides: [1, 1], pad: none }, 32],
  [{ images: [3, 7, 5, 3], window: [3, 3], strides: [1, 1], pad: around }, 8],
  [{ images: [3, 8, 9, 8], window: [3, 3], strides: [1, 1], pad: none }, 10],
  [{ images: [1, 13, 13, 10], window: [3, 3], strides: [1, 1], pad: around }, 32],
  [{ images: [1, 11, 11, 32], window: [3, 3], strides: [1, 1], pad: none }, 64],
  [{ images: [1, 9, 9, 32], window: [3, 3], strides: [1, 1], pad: around }, 5],
  [{ images: [2, 9, 9, 4], window: [3, 3], strides: [2, 2], pad: around }, 7],
  [{ images: [2, 8, 8, 4], window: [3, 3], strides: [2, 2], pad: [0, 1, 0, 1] }, 7],
  [{ images: [1, 10, 7, 3], window: [2, 3], strides: [2, 1], pad: [1, 0, 2, 1] }, 8],
  [{ images: [2, 9, 11, 3], window: [5, 2], strides: [1, 3], pad: [2, 2, 0, 1] }, 4],
  [{ images: [2, 9, 9, 3], window: [2, 2], strides: [3, 3], pad: none }, 3],
  [{ images: [2, 6, 5, 7], window: [1, 1], strides: [1, 1], pad: none }, 9],
  [{ images: [2, 6, 5, 7], window: [1, 1], strides: [2, 2], pad: none }, 9],
  [{ images: [3, 4, 6, 5], window: [4, 6], strides: [1, 1], pad: none }, 11],
  [{ images: [2, 2, 3, 4], window: [3, 3], strides: [1, 1], pad: around }, 8],
  [{ images: [1, 1, 40, 2], window: [1, 3], strides: [1, 1], pad: none }, 16],
  [{ images: [2, 9, 8, 3], window: [3, 3], strides: [1, 1], pad: [0, 1, 2, 0] }, 6],
  [{ images: [0, 5, 5, 3], window: [3, 3], strides: [1, 1], pad: around }, 4],
  // by Winograd: even and odd sizes, channels that fill no vector, tiles in blocks of two heights
  [{ images: [3, 6, 8, 8], window: [3, 3], strides: [1, 1], pad: none }, 8],
  [{ images: [2, 7, 4, 9], window: [3, 3], strides: [1, 1], pad: around }, 13],
  [{ images: [2, 5, 9, 18], window: [3, 3], strides: [1, 1], pad: [0, 1, 2, 0] }, 12],
  [{ images: [1, 18, 17, 34], window: [3, 3], strides: [1, 1], pad: around }, 9],
  [{ images: [9, 5, 7, 9], window: [3, 3], strides: [1, 1], pad: around }, 13],
  [{ images: [17, 6, 6, 13], window: [3, 3], strides: [1, 1], pad: none }, 24],
];

/** Whether wasm computes it by F(4x4, 3x3), whose errors are about ten times those of F(2x2, 3x3). */
function isByWinograd(geometry: Geometry, filters: number): boolean {
  const { images, window, strides } = geometry;
  return (
    window.join() === '3,3' &&
    strides.join() === '1,1' &&
    Math.min(images[3], filters) >= 8 &&
    Math.min(...gridOf(geometry).slice(1)) >= 4
  );
}

function convolutionTolerance(geometry: Geometry, filters: number, terms: number): Tolerance {
  const sums = sumTolerance(terms);
  return isByWinograd(geometry, filters) ? { ...sums, absolute: 10 * sums.absolute } : sums;
}

export function convolution(
  kind: 'conv2d' | 'conv2dInputGradient' | 'conv2dFilterGradient',
  geometry: Geometry,
  filters: number,
  epilogue?: CaseEpilogue,
): CaseOf<'conv2d'> | CaseOf<'conv2dInputGradient'> | CaseOf<'conv2dFilterGradient'> {
  const { images, window, strides } = geometry;
  const [batch, rows, columns] = gridOf(geometry);
  const x = dense(images);
  const y = dense([batch, rows, columns, filters]);
  const w = dense([...window, images[3], filters]);
  const faces = {
    conv2d: { inputs: [x, w], output: y, terms: window[0] * window[1] * images[3] },
    conv2dInputGradient: { inputs: [y, w], output: x, terms: window[0] * window[1] * filters },
    conv2dFilterGradient: { inputs: [x, y], output: w, terms: batch * rows * columns },
  };
  const { inputs, output, terms } = faces[kind];
  const shape = output.view.shape;
  const behind = epilogue?.operands(shape) ?? [];
  return defineCase(
    kind,
    `${labelOf(geometry)} to ${filters}${epilogue ? ` ${epilogue.label}` : ''}`,
    {
      strides,
      padding: paddingOf(geometry),
      ...(epilogue && { epilogue: { expression: epilogue.expression, operands: behind.length } }),
    },
    [...inputs, ...behind],
    [shape],
    { tolerance: convolutionTolerance(geometry, filters, terms) },
  );
}

const behindConvolutions: [geometry: Geometry, filters: number][] = [
  [{ images: [2, 6, 7, 3], window: [3, 3], strides: [1, 1], pad: none }, 8],
  [{ images: [1, 7, 6, 8], window: [3, 3], strides: [2, 1], pad: around }, 5],
  [{ images: [2, 5, 6, 8], window: [3, 3], strides: [1, 1], pad: around }, 9],
];

/** Convolutions that are pooled before they are stored. */
const pooledConvolutions: [geometry: Geometry, filters: number][] = [
  [{ images: [2, 12, 11, 1], window: [3, 3], strides: [1, 1], pad: none }, 8],
  [{ images: [3, 9, 8, 3], window: [2, 3], strides: [2, 1], pad: [1, 0, 2, 1] }, 5],
  [{ images: [2, 7, 7, 5], window: [3, 3], strides: [1, 1], pad: around }, 10],
  [{ images: [3, 7, 7, 8], window: [3, 3], strides: [1, 1], pad: none }, 9],
  [{ images: [2, 8, 6, 9], window: [3, 3], strides: [1, 1], pad: around }, 14],
  [{ images: [0, 8, 8, 3], window: [3, 3], strides: [1, 1], pad: none }, 4],
  [{ images: [2, 3, 9, 3], window: [3, 3], strides: [1, 1], pad: none }, 4],
];

/**
 * Results in quarters are exact in any order of sums, so that ties are ties in every face of the kernel; but by F(4x4, 3x3),
 * where there are to be none.
 */
export function pooledConvolution(
  [geometry, filters]: (typeof pooledConvolutions)[number],
  outputs: readonly ('values' | 'indices')[],
  before?: CaseEpilogue,
  after?: CaseEpilogue,
): CaseOf<'conv2d'> {
  const { images, window, strides } = geometry;
  const fill = isByWinograd(geometry, filters) ? uniform : quarters;
  const y = [...gridOf(geometry), filters];
  const shape = [y[0]!, Math.floor(y[1]! / 2), Math.floor(y[2]! / 2), filters];
  const operandsBefore = before?.operands(y) ?? [];
  const operandsAfter = after?.operands(shape) ?? [];
  const labels = [
    ...(before ? [`before: ${before.label}`] : []),
    ...(after ? [`after: ${after.label}`] : []),
  ];
  return defineCase(
    'conv2d',
    `${labelOf(geometry)} to ${filters} pooled to ${outputs.join(' and ')} ${labels.join(', ')}`,
    {
      strides,
      padding: paddingOf(geometry),
      pool: {
        ...{ window: [2, 2], strides: [2, 2], padding: { top: 0, bottom: 0, left: 0, right: 0 }, outputs },
        ...(before && { prologue: { expression: before.expression, operands: operandsBefore.length } }),
      },
      ...(after && { epilogue: { expression: after.expression, operands: operandsAfter.length } }),
    },
    [
      dense(images, 'float32', fill(-2, 2)),
      dense([...window, images[3], filters], 'float32', fill(-1, 1)),
      ...operandsBefore,
      ...operandsAfter,
    ],
    outputs.map((name) => ({ dtype: name === 'values' ? ('float32' as const) : ('uint8' as const), shape })),
    { tolerance: convolutionTolerance(geometry, filters, window[0] * window[1] * images[3]) },
  );
}

/** tanh makes ties of what it rounds to 1, in each face its own. */
const prologues = caseEpilogues.filter(({ label }) => !label.includes('tanh'));

/** Convolutions before a pool, and the window of the pool: what flows back is routed. */
const routedConvolutions: [
  geometry: Geometry,
  filters: number,
  window: [number, number],
  strides: [number, number],
][] = [
  [{ images: [2, 7, 7, 3], window: [3, 3], strides: [1, 1], pad: none }, 8, [2, 2], [2, 2]],
  [{ images: [3, 13, 13, 32], window: [3, 3], strides: [1, 1], pad: none }, 10, [2, 2], [2, 2]],
  [{ images: [1, 28, 28, 1], window: [3, 3], strides: [1, 1], pad: around }, 5, [2, 2], [2, 2]],
  [{ images: [2, 9, 8, 4], window: [3, 2], strides: [1, 1], pad: [0, 1, 2, 0] }, 7, [3, 3], [2, 2]],
  [{ images: [2, 11, 12, 5], window: [2, 3], strides: [2, 1], pad: around }, 3, [2, 3], [1, 3]],
  [{ images: [1, 40, 40, 2], window: [1, 1], strides: [1, 1], pad: none }, 3, [17, 16], [17, 16]],
  [{ images: [0, 8, 8, 3], window: [3, 3], strides: [1, 1], pad: none }, 4, [2, 2], [2, 2]],
  [{ images: [2, 15, 14, 1], window: [3, 3], strides: [1, 1], pad: around }, 12, [2, 2], [2, 2]],
  [{ images: [3, 11, 10, 1], window: [2, 4], strides: [2, 1], pad: none }, 4, [2, 2], [1, 3]],
];

export function routedCase(
  kind: 'conv2dInputGradient' | 'conv2dFilterGradient',
  [geometry, filters, window, strides]: (typeof routedConvolutions)[number],
  epilogue?: CaseEpilogue,
): CaseOf<'conv2dInputGradient'> | CaseOf<'conv2dFilterGradient'> {
  const [batch, rows, columns] = gridOf(geometry);
  const pooling: Geometry = { images: [batch, rows, columns, filters], window, strides, pad: none };
  const x = dense(geometry.images);
  const w = dense([...geometry.window, geometry.images[3], filters]);
  // half of the values are zeros, as behind a relu
  const values = dense([...gridOf(pooling), filters], 'float32', listed([0, 0.5, 0, -1.25, -0, 0.75]));
  const route = [values, indicesFor(pooling)];
  const filterGradient = kind === 'conv2dFilterGradient';
  const shape = filterGradient ? w.view.shape : geometry.images;
  const behind = epilogue?.operands(shape) ?? [];
  return defineCase(
    kind,
    `routed ${labelOf(geometry)} to ${filters} through ${window.join('x')} by ${strides.join('x')}${epilogue ? ` ${epilogue.label}` : ''}`,
    {
      strides: geometry.strides,
      padding: paddingOf(geometry),
      route: windowOf(pooling),
      ...(epilogue && { epilogue: { expression: epilogue.expression, operands: behind.length } }),
    },
    [...(filterGradient ? [x, ...route] : [...route, w]), ...behind],
    [shape],
    {
      tolerance: sumTolerance(
        filterGradient ? batch * rows * columns : filters * geometry.window[0] * geometry.window[1],
      ),
    },
  );
}

const pools: Geometry[] = [
  { images: [1, 1, 1, 1], window: [1, 1], strides: [1, 1], pad: none },
  { images: [1, 26, 26, 32], window: [2, 2], strides: [2, 2], pad: none },
  { images: [3, 11, 11, 8], window: [2, 2], strides: [2, 2], pad: none },
  { images: [2, 7, 5, 3], window: [2, 2], strides: [1, 1], pad: none },
  { images: [2, 7, 9, 10], window: [3, 3], strides: [2, 2], pad: none },
  { images: [2, 7, 9, 5], window: [3, 3], strides: [1, 1], pad: around },
  { images: [1, 8, 8, 7], window: [3, 3], strides: [2, 2], pad: [0, 1, 0, 1] },
  { images: [1, 9, 7, 4], window: [3, 2], strides: [2, 3], pad: [2, 1, 0, 1] },
  { images: [1, 9, 10, 1], window: [2, 2], strides: [3, 4], pad: none },
  { images: [2, 20, 17, 2], window: [17, 16], strides: [2, 1], pad: none },
  { images: [0, 6, 6, 3], window: [2, 2], strides: [2, 2], pad: none },
];

function windowOf(geometry: Geometry) {
  const { window, strides } = geometry;
  return { window, strides, padding: paddingOf(geometry) };
}

/** 'indices' fit a byte in windows of up to 256 pixels. */
function indexDtype({ window }: Geometry): 'uint8' | 'int32' {
  return window[0] * window[1] <= 256 ? 'uint8' : 'int32';
}

export function maxPoolCase(
  geometry: Geometry,
  outputs: readonly ('values' | 'indices')[],
  label = labelOf(geometry),
  fill: Fill = quarters(-2, 2),
  extreme = false,
): CaseOf<'maxPool'> {
  const shape = [...gridOf(geometry), geometry.images[3]];
  return defineCase(
    'maxPool',
    `${outputs.join(' and ')} of ${label}`,
    { ...windowOf(geometry), outputs },
    [dense(geometry.images, 'float32', fill)],
    outputs.map((name) => ({
      dtype: name === 'values' ? ('float32' as const) : indexDtype(geometry),
      shape,
    })),
    { extreme },
  );
}

/** Random positions in the window, those in the padding included: they read zero, and nothing flows there. */
function indicesFor(geometry: Geometry): CaseOperand {
  const last = geometry.window[0] * geometry.window[1] - 1;
  return dense([...gridOf(geometry), geometry.images[3]], indexDtype(geometry), integers(0, last));
}

const sums: Tolerance = { absolute: 2e-6, relative: 1e-6 };

export function maxPoolGradientCase(geometry: Geometry, epilogue?: CaseEpilogue): CaseOf<'maxPoolGradient'> {
  const behind = epilogue?.operands(geometry.images) ?? [];
  return defineCase(
    'maxPoolGradient',
    `to ${labelOf(geometry)}${epilogue ? ` ${epilogue.label}` : ''}`,
    {
      ...windowOf(geometry),
      ...(epilogue && { epilogue: { expression: epilogue.expression, operands: behind.length } }),
    },
    [dense([...gridOf(geometry), geometry.images[3]]), indicesFor(geometry), ...behind],
    [geometry.images],
    { tolerance: sums },
  );
}

const overlapping: Geometry = { images: [2, 7, 9, 5], window: [3, 3], strides: [2, 2], pad: around };
const halving: Geometry = { images: [1, 6, 8, 8], window: [2, 2], strides: [2, 2], pad: none };

export const windowCases = [
  ...(['conv2d', 'conv2dInputGradient', 'conv2dFilterGradient'] as const).flatMap((kind) =>
    convolutions.map(([geometry, filters]) => convolution(kind, geometry, filters)),
  ),
  ...(['conv2d', 'conv2dInputGradient'] as const).flatMap((kind) =>
    behindConvolutions.flatMap(([geometry, filters]) =>
      caseEpilogues.map((epilogue) => convolution(kind, geometry, filters, epilogue)),
    ),
  ),
  ...pooledConvolutions.flatMap((pooled) => [
    pooledConvolution(pooled, ['values']),
    pooledConvolution(pooled, ['values', 'indices']),
  ]),
  ...[pooledConvolutions[2]!, pooledConvolutions[3]!].flatMap((pooled) => [
    ...prologues.map((before) => pooledConvolution(pooled, ['values', 'indices'], before)),
    ...caseEpilogues.map((after) =>
      pooledConvolution(pooled, ['values', 'indices'], caseEpilogues[0], after),
    ),
  ]),
  ...(['conv2dInputGradient', 'conv2dFilterGradient'] as const).flatMap((kind) =>
    routedConvolutions.map((routed) => routedCase(kind, routed)),
  ),
  ...caseEpilogues.map((epilogue) => routedCase('conv2dInputGradient', routedConvolutions[0]!, epilogue)),
  ...caseEpilogues.map((epilogue) => routedCase('conv2dInputGradient', routedConvolutions[4]!, epilogue)),
  ...pools.flatMap((geometry) => [
    maxPoolCase(geometry, ['values']),
    maxPoolCase(geometry, ['indices']),
    maxPoolCase(geometry, ['values', 'indices']),
  ]),
  maxPoolCase(overlapping, ['values', 'indices'], 'equal pixels', listed([0.5])),
  maxPoolCase(overlapping, ['values', 'indices'], 'negative pixels beside padding', uniform(-9, -8)),
  maxPoolCase(
    overlapping,
    ['values', 'indices'],
    'infinities',
    listed([-Infinity, -Infinity, 3, Infinity]),
    true,
  ),
  maxPoolCase(
    overlapping,
    ['values', 'indices'],
    'NaN',
    listed([1, Number.NaN, 2, 4, 3, Number.NaN, -1]),
    true,
  ),
  ...pools.map((geometry) =>
    defineCase(
      'maxPoolTake',
      `from ${labelOf(geometry)}`,
      windowOf(geometry),
      [dense(geometry.images), indicesFor(geometry)],
      [[...gridOf(geometry), geometry.images[3]]],
    ),
  ),
  ...pools.map((geometry) => maxPoolGradientCase(geometry)),
  ...[overlapping, halving].flatMap((geometry) =>
    caseEpilogues.map((epilogue) => maxPoolGradientCase(geometry, epilogue)),
  ),
  ...pools.map((geometry) =>
    defineCase(
      'averagePool',
      labelOf(geometry),
      windowOf(geometry),
      [dense(geometry.images)],
      [[...gridOf(geometry), geometry.images[3]]],
      { tolerance: sumTolerance(geometry.window[0] * geometry.window[1]) },
    ),
  ),
  ...pools.map((geometry) =>
    defineCase(
      'averagePoolGradient',
      `to ${labelOf(geometry)}`,
      windowOf(geometry),
      [dense([...gridOf(geometry), geometry.images[3]])],
      [geometry.images],
      { tolerance: sums },
    ),
  ),
];

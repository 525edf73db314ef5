/**
 * A second definition of every kernel, written the other way round: the reference kernels walk inputs and add to
 * outputs, these look at one output element and fetch what it is made of, by multi-index. Far too slow for anything
 * but holding the first against it.
 */
import type { Padding } from '../../kernels/contract.js';
import type { KernelKind } from '../../kernels/kinds.js';
import type { MaxPoolSpecification } from '../../kernels/maxPool/contract.js';
import type { Expression } from '../../src/core/expression.js';
import type { Shape } from '../../src/core/shape.js';
import type { CaseOf, KernelCase } from '../support/kernelCases.js';
import { evaluate, wrapped } from './naiveExpressions.js';

type Position = readonly number[];

/** Reads input `i` at a position; outside its shape is 0. */
type Read = (i: number, position: Position) => number;

/** The value of one element of output `o`, before the epilogue. */
type Definition<K extends KernelKind> = (
  kernelCase: CaseOf<K>,
  read: Read,
) => (position: Position, o: number) => number;

/** All positions of a shape, row-major. */
export function positionsOf(shape: Shape): Position[] {
  let positions: Position[] = [[]];
  for (const extent of shape) {
    positions = positions.flatMap((position) => Array.from({ length: extent }, (_, i) => [...position, i]));
  }
  return positions;
}

/** Every output of a case, row-major, in double precision. */
export function runNaively(kernelCase: KernelCase, buffers: readonly ArrayLike<number>[]): number[][] {
  const read: Read = (i, position) => {
    const { shape, strides, offset } = kernelCase.operands[i]!.view;
    let index = offset;
    for (let axis = 0; axis < position.length; axis++) {
      if (position[axis]! < 0 || position[axis]! >= shape[axis]!) return 0;
      index += position[axis]! * strides[axis]!;
    }
    return buffers[i]![index]!;
  };
  const element = (definitions[kernelCase.kind] as Definition<KernelKind>)(
    kernelCase as CaseOf<KernelKind>,
    read,
  );
  const { epilogue } = kernelCase.call.specification as {
    epilogue?: { expression: Expression; operands: number };
  };
  const first = kernelCase.operands.length - (epilogue?.operands ?? 0);
  return kernelCase.call.outputs.map(({ shape }, o) =>
    positionsOf(shape).map((position, index) => {
      const value = element(position, o);
      if (epilogue === undefined || o > 0) return value;
      const operand = (i: number) => (i === 0 ? value : read(first + i - 1, position));
      return evaluate(epilogue.expression, operand, index);
    }),
  );
}

function sumOf<T>(items: readonly T[], term: (item: T) => number): number {
  return items.reduce((sum, item) => sum + term(item), 0);
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The sides and corners of a window at grid position (i, j): [window position, pixel] of those inside the image. */
function pixelsOf(
  { strides, padding }: { strides: readonly [number, number]; padding: Padding },
  window: readonly number[],
  [, height, width]: Shape,
  [i, j]: readonly [number, number],
): { a: number; b: number; p: number; q: number }[] {
  return positionsOf(window)
    .map(([a, b]) => ({
      a: a!,
      b: b!,
      p: i * strides[0] + a! - padding.top,
      q: j * strides[1] + b! - padding.left,
    }))
    .filter(({ p, q }) => p >= 0 && p < height! && q >= 0 && q < width!);
}

/** The grid positions whose window holds pixel (p, q), with the position in the window. */
function windowsOver(
  { strides, padding }: { strides: readonly [number, number]; padding: Padding },
  window: readonly number[],
  [, rows, columns]: Shape,
  [p, q]: readonly [number, number],
): { i: number; j: number; a: number; b: number }[] {
  const along = (pixel: number, size: number, stride: number, count: number) =>
    range(size)
      .map((a) => ({ a, i: (pixel - a) / stride }))
      .filter(({ i }) => Number.isInteger(i) && i >= 0 && i < count);
  const vertical = along(p + padding.top, window[0]!, strides[0], rows!);
  const horizontal = along(q + padding.left, window[1]!, strides[1], columns!);
  return vertical.flatMap(({ a, i }) => horizontal.map(({ a: b, i: j }) => ({ i, j, a, b })));
}

/** Of a convolution: `[batch, rows, columns, filters]`. */
function resultShape(
  { strides, padding }: { strides: readonly [number, number]; padding: Padding },
  [batch, height, width]: Shape,
  [filterHeight, filterWidth, , filters]: Shape,
): Shape {
  const extent = (pixels: number, stride: number) => Math.floor(pixels / stride) + 1;
  return [
    batch!,
    extent(height! + padding.top + padding.bottom - filterHeight!, strides[0]),
    extent(width! + padding.left + padding.right - filterWidth!, strides[1]),
    filters!,
  ];
}

/** Values and positions of the largest elements of windows over `[batch, height, width, channels]`. */
function largest(
  pool: MaxPoolSpecification,
  shape: Shape,
  element: (position: Position) => number,
): (position: Position, output: number) => number {
  return ([n, i, j, c], output) => {
    const pixels = pixelsOf(pool, pool.window, shape, [i!, j!]);
    const values = pixels.map(({ p, q }) => element([n!, p, q, c!]));
    const nan = values.findIndex(Number.isNaN);
    const best = nan >= 0 ? nan : values.indexOf(Math.max(...values));
    const { a, b } = pixels[best]!;
    return pool.outputs[output] === 'values' ? values[best]! : a * pool.window[1] + b;
  };
}

/** dy of a convolution's gradient: input `at`, or what the values and indices there send back through a max pool. */
function outputGradient(
  { call: { specification, inputs } }: CaseOf<'conv2dInputGradient'> | CaseOf<'conv2dFilterGradient'>,
  read: Read,
  at: number,
  images: Shape,
  filter: Shape,
): { shape: Shape; at: (position: Position) => number } {
  const { route } = specification;
  const { shape } = inputs[at]!;
  if (route === undefined) return { shape, at: (position) => read(at, position) };
  return {
    shape: resultShape(specification, images, filter),
    at: ([n, i, j, o]) =>
      sumOf(windowsOver(route, route.window, shape, [i!, j!]), ({ i: p, j: q, a, b }) =>
        read(at + 1, [n!, p, q, o!]) === a * route.window[1] + b ? read(at, [n!, p, q, o!]) : 0,
      ),
  };
}

const definitions: { readonly [K in KernelKind]: Definition<K> } = {
  map:
    ({ call }, read) =>
    (position, o) => {
      const { shape } = call.outputs[0]!;
      const index = position.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
      return evaluate(call.specification.expressions[o]!, (i) => read(i, position), index);
    },

  reduce: ({ call: { specification, inputs } }, read) => {
    const { operation, axes, prologue } = specification;
    const { shape } = inputs[0]!;
    const within = positionsOf(axes.map((axis) => shape[axis]!));
    return (kept) => {
      const rest = [...kept];
      const keptAxes = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
      const values = within.map((inside) => {
        const position = shape.map((_, axis) =>
          axes.includes(axis) ? inside[axes.indexOf(axis)]! : rest[keptAxes.indexOf(axis)]!,
        );
        const index = position.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
        return evaluate(prologue, (i) => read(i, position), index);
      });
      if (operation === 'sum') {
        if (prologue.dtype === 'float32') return sumOf(values, (value) => value);
        return wrapped(values.map(BigInt).reduce((sum, value) => sum + value, 0n));
      }
      const numbers = values.filter((value) => !Number.isNaN(value));
      if (operation === 'argMax' && numbers.length < values.length) return values.findIndex(Number.isNaN);
      if (operation === 'argMax') return Math.max(0, values.indexOf(Math.max(...numbers)));
      if (numbers.length < values.length) return Number.NaN;
      return [...values].sort((a, b) => a - b).at(operation === 'max' ? -1 : 0)!;
    };
  },

  matmul:
    ({ call: { inputs } }, read) =>
    (position) => {
      const batch = position.slice(0, -2);
      const [m, n] = position.slice(-2) as [number, number];
      return sumOf(
        range(inputs[0]!.shape.at(-1)!),
        (k) => read(0, [...batch, m, k]) * read(1, [...batch, k, n]),
      );
    },

  conv2d: ({ call: { specification, inputs } }, read) => {
    const { strides, padding, pool } = specification;
    const taps = positionsOf(inputs[1]!.shape.slice(0, 3));
    const result = ([n, i, j, o]: Position) =>
      sumOf(taps, ([a, b, c]) => {
        const pixel = [n!, i! * strides[0] + a! - padding.top, j! * strides[1] + b! - padding.left, c!];
        return read(0, pixel) * read(1, [a!, b!, c!, o!]);
      });
    if (pool === undefined) return result;
    const shape = resultShape(specification, inputs[0]!.shape, inputs[1]!.shape);
    return largest(pool, shape, (position) => {
      if (pool.prologue === undefined) return result(position);
      const index = position.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
      const operand = (i: number) => (i === 0 ? result(position) : read(1 + i, position));
      return evaluate(pool.prologue.expression, operand, index);
    });
  },

  conv2dInputGradient: (kernelCase, read) => {
    const { specification, inputs, outputs } = kernelCase.call;
    const filterAt = specification.route === undefined ? 1 : 2;
    const filter = inputs[filterAt]!.shape;
    const dy = outputGradient(kernelCase, read, 0, outputs[0]!.shape, filter);
    return ([n, p, q, c]) =>
      sumOf(windowsOver(specification, filter, dy.shape, [p!, q!]), ({ i, j, a, b }) =>
        sumOf(range(filter[3]!), (o) => dy.at([n!, i, j, o]) * read(filterAt, [a, b, c!, o])),
      );
  },

  conv2dFilterGradient: (kernelCase, read) => {
    const { specification, inputs, outputs } = kernelCase.call;
    const { strides, padding } = specification;
    const dy = outputGradient(kernelCase, read, 1, inputs[0]!.shape, outputs[0]!.shape);
    const grid = positionsOf(dy.shape.slice(0, 3));
    return ([a, b, c, o]) =>
      sumOf(grid, ([n, i, j]) => {
        const pixel = [n!, i! * strides[0] + a! - padding.top, j! * strides[1] + b! - padding.left, c!];
        return read(0, pixel) * dy.at([n!, i!, j!, o!]);
      });
  },

  maxPool: ({ call: { specification, inputs } }, read) =>
    largest(specification, inputs[0]!.shape, (position) => read(0, position)),

  maxPoolTake:
    ({ call: { specification } }, read) =>
    ([n, i, j, c]) => {
      const { window, strides, padding } = specification;
      const index = read(1, [n!, i!, j!, c!]);
      const p = i! * strides[0] + Math.floor(index / window[1]) - padding.top;
      const q = j! * strides[1] + (index % window[1]) - padding.left;
      return read(0, [n!, p, q, c!]);
    },

  maxPoolGradient:
    ({ call: { specification, inputs } }, read) =>
    ([n, p, q, c]) => {
      const { window } = specification;
      return sumOf(windowsOver(specification, window, inputs[0]!.shape, [p!, q!]), ({ i, j, a, b }) =>
        read(1, [n!, i, j, c!]) === a * window[1] + b ? read(0, [n!, i, j, c!]) : 0,
      );
    },

  averagePool:
    ({ call: { specification, inputs } }, read) =>
    ([n, i, j, c]) => {
      const pixels = pixelsOf(specification, specification.window, inputs[0]!.shape, [i!, j!]);
      return sumOf(pixels, ({ p, q }) => read(0, [n!, p, q, c!]) / pixels.length);
    },

  averagePoolGradient:
    ({ call: { specification, inputs, outputs } }, read) =>
    ([n, p, q, c]) => {
      const { window } = specification;
      return sumOf(windowsOver(specification, window, inputs[0]!.shape, [p!, q!]), ({ i, j }) => {
        const { length } = pixelsOf(specification, window, outputs[0]!.shape, [i, j]);
        return read(0, [n!, i, j, c!]) / length;
      });
    },

  gather:
    (_, read) =>
    ([o, i, e]) =>
      read(0, [o!, read(1, [i!]), e!]),

  scatterAdd:
    ({ call: { inputs } }, read) =>
    ([o, r, e]) =>
      sumOf(
        range(inputs[1]!.shape[0]!).filter((i) => read(1, [i]) === r),
        (i) => read(0, [o!, i, e!]),
      ),

  softmaxCrossEntropy:
    ({ call: { specification, inputs } }, read) =>
    ([row, c], output) => {
      const classes = range(inputs[0]!.shape[1]!);
      const label = (j: number) =>
        specification.labels === 'indices' ? Number(read(1, [row!]) === j) : read(1, [row!, j]);
      // log(eᵃ + eᵇ) = max + log(1 + e^−|a − b|)
      const logTotal = classes
        .map((j) => read(0, [row!, j]))
        .reduce((a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))));
      const logProbability = (j: number) => read(0, [row!, j]) - logTotal;
      return specification.outputs[output] === 'loss'
        ? -sumOf(classes, (j) => label(j) * logProbability(j))
        : Math.exp(logProbability(c!)) * sumOf(classes, label) - label(c!);
    },

  assemble:
    ({ call: { specification, inputs } }, read) =>
    (position) => {
      for (const [i, { start, step }] of specification.placements.entries()) {
        const source = position.map((at, axis) => (at - start[axis]!) / step[axis]!);
        const inside = source.every(
          (at, axis) => Number.isInteger(at) && at >= 0 && at < inputs[i]!.shape[axis]!,
        );
        if (inside) return read(i, source);
      }
      return specification.fill;
    },
};

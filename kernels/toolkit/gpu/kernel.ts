/**
 * The face of a kernel on the gpu backend: a call becomes the text of one gpu.js kernel, its shapes, strides and offsets
 * written into it as literals. What the texts share is below: tables, coordinates, loops and the epilogue.
 *
 * A gpu.js kernel computes one element of its one output per thread, `this.thread.x` its column, `this.thread.y` its
 * row. Its numbers are float32 at best, its indices too in some modes, so every index must stay below 2^24: inputs are
 * addressed as `[row][column]` of a table, never by one flat index.
 */
import { BackendError } from '../../../src/core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../../src/core/shape.js';
import type { View } from '../../../src/core/view.js';
import { type GpuText, printGpuText } from '../../../src/writers/gpuText.js';
import { type Epilogue, epilogueStrides, type KernelCall, type Layout } from '../../contract.js';

/** Whole buffers are handed over, so the offset is part of the code, and so is the size of the buffer. */
export interface GpuOperand extends Layout {
  readonly offset: number;
  readonly size: number;
}

export interface GpuCall<Specification> extends KernelCall<Specification> {
  readonly inputs: readonly GpuOperand[];
}

export interface GpuSource {
  /** `function name(x0, x1, …) { … }`, its arguments the buffers of the inputs, in order. */
  readonly source: string;
  /** Extents of the output as gpu.js counts them: `[columns, rows]`. */
  readonly output: readonly [number, number];
  /** Columns of the table as which each input is handed over; they divide its size. */
  readonly columns: readonly number[];
  /** A thread gives four numbers, which stand side by side in the result. Default false. */
  readonly vec4?: boolean;
  /** How each input is read. Default: all as numbers. */
  readonly reads?: readonly GpuRead[];
}

/** The elements of a table: numbers; or, where a texture holds four to a texel, its numbers ('packed') or its texels. */
export type GpuRead = 'numbers' | 'packed' | 'texels';

/**
 * How a mode's kernels give four numbers at once: not at all; into a buffer of numbers; or into a texture of
 * four to a texel, which later kernels of the same call read.
 */
export type GpuVec4 = 'none' | 'buffers' | 'textures';

/** One of several kernels that carry out a call one after the other. */
export interface GpuStage {
  readonly source: GpuSource;
  /** For each input: a number for an input of the call, or the result of an earlier stage. */
  readonly operands: readonly (number | { readonly stage: number })[];
}

/** A call as several kernels, or as one that gives four numbers per thread; undefined where the plain one is as good. */
export type GpuStagedKernel<Specification> = (
  call: GpuCall<Specification>,
  vec4: GpuVec4,
) => readonly GpuStage[] | undefined;

export type GpuKernel<Specification> = (call: GpuCall<Specification>) => GpuSource;

/** Thread coordinates. gpu.js types them as integers only where they stand themselves: a declared copy is a float. */
export const row = 'this.thread.y';
export const column = 'this.thread.x';

/** An input seen as rows and columns. */
export interface Table {
  readonly columns: number;
  /** The text that reads the element at `indices`, one name or number per axis of the view. */
  at(indices: readonly string[]): string;
}

/** Numbers from which a float32 index, or an int32 kept as a float32, is no longer exact. */
export const exactIntegers = 2 ** 24;

/** Numbers from which a float32 no longer has halves. */
const exactHalves = 2 ** 23;

/**
 * The view `view` on a buffer of `size` elements as a table: the widest row of which each axis of the view moves either
 * by whole rows or within a row. Throws a BackendError where only one row does and it has 2^24 elements or more.
 */
export function tableOf(name: string, view: View, size: number): Table {
  const moves = (axis: number) => size > 0 && view.shape[axis]! > 1 && view.strides[axis] !== 0;
  const axes = view.shape.map((_, axis) => axis).filter(moves);
  const widths = axes
    .map((axis) => Math.abs(view.strides[axis]!))
    .filter((width) => width > 1 && width < exactIntegers && size % width === 0)
    .sort((a, b) => b - a);
  const columns = widths.find((width) => fitsRows(view, axes, width)) ?? Math.max(1, size);
  const rows = Math.max(1, size) / columns;
  if (rows >= exactIntegers || columns >= exactIntegers) {
    throw new BackendError(
      `gpu: a view with strides [${view.strides.join(', ')}] needs a table of ${rows} rows by ${columns} columns, ` +
        `an index of 2^24 = ${exactIntegers} or more`,
    );
  }
  const at = (indices: readonly string[]): string => {
    const [rowTerms, columnTerms]: [string[], string[]] = [[], []];
    for (const axis of axes) {
      const stride = view.strides[axis]!;
      const whole = stride % columns === 0;
      const step = whole ? stride / columns : stride;
      (whole ? rowTerms : columnTerms).push(step === 1 ? indices[axis]! : `${indices[axis]} * ${step}`);
    }
    const start = view.offset % columns;
    const firstRow = (view.offset - start) / columns;
    return `${name}[${addTerms(rowTerms, firstRow)}][${addTerms(columnTerms, start)}]`;
  };
  return { columns, at };
}

/** Tells whether the axes that do not move by whole rows of `width` stay within the row that the view starts in. */
function fitsRows(view: View, axes: readonly number[], width: number): boolean {
  let lowest = view.offset % width;
  let highest = lowest;
  for (const axis of axes) {
    const stride = view.strides[axis]!;
    if (stride % width === 0) continue;
    if (stride > 0) highest += (view.shape[axis]! - 1) * stride;
    else lowest += (view.shape[axis]! - 1) * stride;
  }
  return lowest >= 0 && highest < width;
}

function addTerms(terms: readonly string[], start: number): string {
  return [...terms, ...(start === 0 && terms.length > 0 ? [] : [String(start)])].join(' + ');
}

/** The inputs `x0`, `x1`, … of a call as tables; those of the epilogue lie over the output as [rows, columns]. */
export function tablesOf<Specification>(
  call: GpuCall<Specification & { readonly epilogue?: Epilogue | undefined }>,
): Table[] {
  const { specification, inputs, outputs } = call;
  const first = inputs.length - (specification.epilogue?.operands ?? 0);
  const [columns, rows] = outputOf(outputs[0]!.shape);
  return inputs.map((operand, i) => {
    if (i < first) return tableOf(`x${i}`, operand, operand.size);
    const strides = epilogueStrides(operand, outputs[0]!.shape);
    const over = { shape: [rows, columns], strides: [strides.row, strides.column], offset: operand.offset };
    return tableOf(`x${i}`, over, operand.size);
  });
}

/** A thread per element of `shape`: `[columns, rows]`, columns being the last axis. */
export function outputOf(shape: Shape): [number, number] {
  const columns = shape.at(-1) ?? 1;
  return [columns, sizeOf(shape) / columns];
}

interface Coordinates {
  readonly statements: readonly string[];
  /** The index of the thread's element along each axis: a name or a number. */
  readonly indices: readonly string[];
}

/** Where a thread of an output laid out by `outputOf` stands in `shape`. */
export function coordinatesOf(shape: Shape): Coordinates {
  const { statements, indices } = unravel(row, shape.slice(0, -1));
  return { statements, indices: shape.length === 0 ? [] : [...indices, shape.at(-1) === 1 ? '0' : column] };
}

/**
 * Splits a row-major position into indices. ⌊(position + ½) / extent⌋ is ⌊position / extent⌋, and stays so where a
 * device's division is off in the last place. Throws a BackendError from 2^23 positions, where float32 has no halves.
 */
function unravel(position: string, shape: Shape): Coordinates {
  if (shape.length > 1 && sizeOf(shape) > exactHalves) {
    throw new BackendError(
      `gpu: an output has ${sizeOf(shape)} rows of axes ${formatShape(shape)}, more than 2^23 = ${exactHalves}`,
    );
  }
  const statements: string[] = [];
  const indices = shape.map(() => '0');
  const axes = shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
  let rest = position;
  for (const axis of axes.slice(1).reverse()) {
    const extent = shape[axis]!;
    statements.push(`const outer${axis} = Math.floor((${rest} + 0.5) / ${extent});`);
    statements.push(`const index${axis} = ${rest} - outer${axis} * ${extent};`);
    indices[axis] = `index${axis}`;
    rest = `outer${axis}`;
  }
  if (axes.length > 0) indices[axes[0]!] = rest;
  return { statements, indices };
}

/** A loop of a known number of turns. gpu.js types its variable as an integer. */
export function loop(variable: string, extent: number, body: readonly string[]): string[] {
  const head = `for (let ${variable} = 0; ${variable} < ${extent}; ${variable}++) {`;
  return [head, ...body.map((line) => `  ${line}`), '}'];
}

/** The epilogue of a call on the number named `result`, in output column `at`, by the tables of `tablesOf`. */
export function printEpilogue(
  epilogue: Epilogue | undefined,
  tables: readonly Table[],
  result: string,
  { at = column, prefix = 'e' }: { readonly at?: string; readonly prefix?: string } = {},
): GpuText {
  if (epilogue === undefined) return { statements: [], value: result };
  const operands = tables.slice(tables.length - epilogue.operands).map((table) => table.at([row, at]));
  return printGpuText(epilogue.expression, [result, ...operands], prefix);
}

/** Puts a kernel together, whose body ends by returning the value. */
export function gpuSource(
  name: string,
  output: readonly [number, number],
  tables: readonly Table[],
  { statements, value }: GpuText,
): GpuSource {
  const parameters = tables.map((_, i) => `x${i}`).join(', ');
  const body = [...statements, `return ${value};`].map((line) => `  ${line}\n`).join('');
  return {
    source: `function ${name}(${parameters}) {\n${body}}`,
    output,
    columns: tables.map((table) => table.columns),
  };
}

/**
 * Four outputs per thread, side by side. A thread then reads what they share once, and spends its index arithmetic once.
 *
 * Where results are buffers, four numbers side by side are four numbers: one kernel does it. Where they are textures
 * ('textures'), four numbers make one texel, so operands are packed first, which also makes one read of four, and the
 * result is taken apart by a last kernel, which applies the epilogue.
 */
import { at, last } from '../../../src/core/lists.js';
import type { View } from '../../../src/core/view.js';
import type { Epilogue } from '../../contract.js';
import {
  column,
  coordinatesOf,
  type GpuCall,
  type GpuSource,
  type GpuStage,
  gpuSource,
  loop,
  outputOf,
  printEpilogue,
  row,
  type Table,
  tableOf,
  tablesOf,
} from './kernel.js';

export const lanes = [0, 1, 2, 3] as const;

/** The output column of a lane, in brackets: a table may multiply it. */
export const columnOf = (lane: number): string => `(${column} * 4 + ${lane})`;

/** The result of an earlier stage, by row and column of its numbers or texels. */
export function stageTable(name: string, columns: number): Table {
  return { columns, at: ([y, x]) => `${name}[${y}][${x}]` };
}

/** `gpuSource` of a kernel that returns four values. */
export function vec4Source(
  name: string,
  output: readonly [number, number],
  tables: readonly Table[],
  { statements, values }: { readonly statements: readonly string[]; readonly values: readonly string[] },
): GpuSource {
  const value = `[${values.join(', ')}]`;
  return { ...gpuSource(name, output, tables, { statements, value }), vec4: true };
}

/**
 * Packs the last axis of a view `[…, rows, columns]` into texels; zeros fill the last texel of a row, and rows up to
 * `rows`, if more are asked for.
 */
export function packStage(input: number, view: View, size: number, rows?: number): GpuStage {
  const { shape } = view;
  const columns = last(shape);
  const own = shape.at(-2)!;
  const padded = [...shape.slice(0, -2), rows ?? own, Math.ceil(columns / 4)];
  const table = tableOf('x0', view, size);
  const { statements, indices } = coordinatesOf(padded);
  const row = indices.at(-2)!;
  const guards = (lane: number) => [
    ...(rows !== undefined && rows > own ? [`${row} < ${own}`] : []),
    ...(columns % 4 === 0 ? [] : [`${columnOf(lane)} < ${columns}`]),
  ];
  const lines = lanes.flatMap((lane) => {
    const read = `v${lane} = ${table.at([...indices.slice(0, -1), columnOf(lane)])};`;
    const conditions = guards(lane);
    const nested = conditions.reduceRight((inner, condition) => `if (${condition}) { ${inner} }`, read);
    return [`let v${lane} = 0;`, nested];
  });
  const values = lanes.map((lane) => `v${lane}`);
  const body = { statements: [...statements, ...lines], values };
  const source = vec4Source('pack', outputOf(padded), [table], body);
  return { source, operands: [input] };
}

/** Takes the packed result of `stage` apart and applies the epilogue. */
export function finishStage(
  name: string,
  call: GpuCall<{ readonly epilogue?: Epilogue | undefined }>,
  stage: number,
): GpuStage {
  const { shape } = at(call.outputs, 0);
  const { epilogue } = call.specification;
  const count = epilogue?.operands ?? 0;
  const first = call.inputs.length - count;
  const columns = last(shape);
  // the tables of the epilogue are named after their place in the call; here they follow the packed result
  const packed: Table = stageTable('x0', Math.ceil(columns / 4) * 4);
  const renamed = { ...call, inputs: [at(call.inputs, 0), ...call.inputs.slice(first)] };
  const tables = [packed, ...tablesOf(renamed).slice(1)];
  const result = printEpilogue(epilogue, tables, 'result');
  const statements = [`const result = ${packed.at(['this.thread.y', column])};`, ...result.statements];
  const body = { statements, value: result.value };
  const source = gpuSource(`${name}_finish`, outputOf(shape), tables, body);
  return {
    source: { ...source, reads: ['packed', ...Array.from({ length: count }, () => 'numbers' as const)] },
    operands: [{ stage }, ...Array.from({ length: count }, (_, i) => first + i)],
  };
}

/** The epilogue of each lane, by names `sum0` … `sum3`. */
export function printLanes(
  epilogue: Epilogue | undefined,
  tables: readonly Table[],
): { statements: string[]; values: string[] } {
  const printed = lanes.map((lane) =>
    printEpilogue(epilogue, tables, `sum${lane}`, { at: columnOf(lane), prefix: `e${lane}_` }),
  );
  return {
    statements: printed.flatMap(({ statements }) => statements),
    values: printed.map(({ value }) => value),
  };
}

/** Longer sums are sums of sums of this many terms (or texels), so that float32 stays close to the exact sum. */
const chunk = 128;

/** A loop over `extent` turns. `body` adds turn `k` to a name and each lane's number. */
function sumInChunks(extent: number, body: (k: string, into: string) => readonly string[]): string[] {
  if (extent <= 2 * chunk) return loop('k', extent, body('k', 'sum'));
  const whole = Math.floor(extent / chunk);
  const rest = extent - whole * chunk;
  return [
    ...loop('block', whole, [
      ...lanes.map((lane) => `let part${lane} = 0;`),
      ...loop('k', chunk, body(`(block * ${chunk} + k)`, 'part')),
      ...lanes.map((lane) => `sum${lane} += part${lane};`),
    ]),
    ...(rest > 0 ? loop('k', rest, body(`(${whole * chunk} + k)`, 'sum')) : []),
  ];
}

export const startSums = lanes.map((lane) => `let sum${lane} = 0;`);
export const sums = lanes.map((lane) => `sum${lane}`);

/** `sum0` … `sum3`: a row times four columns, of numbers. `left` and `right` read them, given k. */
export function sumNumbers(
  terms: number,
  left: (k: string) => string,
  right: (k: string, lane: number) => string,
): string[] {
  return sumInChunks(terms, (k, into) => [
    `const left = ${left(k)};`,
    ...lanes.map((lane) => `${into}${lane} += left * ${right(k, lane)};`),
  ]);
}

/** The same of texels: `x0` is packed along its rows, `x1` along its columns. */
function sumTexels(texels: number): string[] {
  return sumInChunks(texels, (k, into) => [
    `const left = x0[${row}][${k}];`,
    ...lanes.map((lane) => `const right${lane} = x1[${k} * 4 + ${lane}][${column}];`),
    ...lanes.map((lane) => {
      const products = lanes.map((part) => `left[${part}] * right${part}[${lane}]`);
      return `${into}${lane} += ${products.join(' + ')};`;
    }),
  ]);
}

/** The product of two packed stages, packed. */
export function productOfTexels(name: string, m: number, n: number, k: number): GpuSource {
  const [texels, width] = [Math.ceil(k / 4), Math.ceil(n / 4)];
  const tables = [stageTable('x0', texels), stageTable('x1', width)];
  const body = { statements: [...startSums, ...sumTexels(texels)], values: sums };
  return { ...vec4Source(name, [width, m], tables, body), reads: ['texels', 'texels'] };
}

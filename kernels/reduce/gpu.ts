import { printGpuText } from '../../src/writers/gpuText.js';
import {
  coordinatesOf,
  type GpuKernel,
  gpuSource,
  loop,
  outputOf,
  printEpilogue,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import type { ReduceOperation, ReduceSpecification } from './contract.js';

/** `start` declares what the loops change; `first` is the value of the first element, for a start that no literal is. */
interface Reduction {
  start(first: string): readonly string[];
  /** Takes in the number named `value`, at row-major `position` within the reduced axes. */
  step(value: string, position: string): readonly string[];
}

const extreme = (better: 'max' | 'min'): Reduction => ({
  // The first element, not an infinity: WGSL has no text for one.
  start: (first) => [`let result = ${first};`],
  step: (value) => [`result = Math.${better}(result, ${value});`],
});

const reductions: { readonly [O in ReduceOperation]: Reduction } = {
  sum: { start: () => ['let result = 0;'], step: (value) => [`result += ${value};`] },
  max: extreme('max'),
  min: extreme('min'),
  argMax: {
    start: () => ['let result = 0;', 'let largest = -Infinity;'],
    step: (value, position) => [
      // the first NaN is larger than all numbers
      `if (${value} > largest || (${value} !== ${value} && largest === largest)) {`,
      `  largest = ${value};`,
      `  result = ${position};`,
      '}',
    ],
  },
};

/** Each thread walks the reduced axes, row-major, for its own element. */
export const reduceGpu: GpuKernel<ReduceSpecification> = (call) => {
  const { operation, axes, prologue, epilogue } = call.specification;
  const { shape: source } = call.inputs[0]!;
  const { shape } = call.outputs[0]!;
  const tables = tablesOf(call);
  const { statements, indices: kept } = coordinatesOf(shape);

  const keptAxes = source.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const indices = (reduced: (axis: number) => string) =>
    source.map((_, axis) => (axes.includes(axis) ? reduced(axis) : kept[keptAxes.indexOf(axis)]!));
  const valueAt = (at: readonly string[], prefix: string) =>
    printGpuText(
      prologue,
      tables.map((table) => table.at(at)),
      prefix,
    );
  const position = axes.reduce((text, axis) => `(${text}) * ${source[axis]} + r${axis}`, '0');

  const reduction = reductions[operation];
  const element = valueAt(
    indices((axis) => `r${axis}`),
    't',
  );
  let body: readonly string[] = [...element.statements, ...reduction.step(element.value, position)];
  for (const axis of [...axes].reverse()) body = loop(`r${axis}`, source[axis]!, body);

  const first = valueAt(
    indices(() => '0'),
    'f',
  );
  const needsFirst = operation === 'max' || operation === 'min';
  const result = printEpilogue(epilogue, tables, 'result');
  const lines = [
    ...statements,
    ...(needsFirst ? first.statements : []),
    ...reduction.start(first.value),
    ...body,
    ...result.statements,
  ];
  return gpuSource('reduce', outputOf(shape), tables, { statements: lines, value: result.value });
};

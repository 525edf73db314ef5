import { at, leading } from '../../src/core/lists.js';
import { tinySlope } from '../../src/core/math.js';
import {
  column,
  type GpuKernel,
  gpuSource,
  loop,
  outputOf,
  row,
  type Table,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import type { SoftmaxCrossEntropySpecification } from './contract.js';

/**
 * One of the two results; a backend with one output per kernel is never asked for both. Each thread makes the maximum
 * and the sum of its own row: `largest` = max z, `total` = Σ_j exp(z_j − max z).
 */
export const softmaxCrossEntropyGpu: GpuKernel<SoftmaxCrossEntropySpecification> = (call) => {
  const { labels: kind, outputs: names } = call.specification;
  const classes = at(at(call.inputs, 0).shape, 1);
  const tables = leading(tablesOf(call), 2);
  const [logits, labels] = tables;
  const gradient = names[0] === 'gradient';
  const sample = gradient ? row : column;
  const z = logits.at([sample, 'c']);
  const label = (c: string) => (kind === 'indices' ? `wanted === ${c} ? 1 : 0` : labels.at([sample, c]));
  const lines = [
    ...(kind === 'indices' ? [`const wanted = ${labels.at([sample])};`] : []),
    `let largest = ${logits.at([sample, '0'])};`,
    ...loop('c', classes, [`largest = Math.max(largest, ${z});`]),
    'let total = 0;',
    ...loop('c', classes, [`total += Math.exp(${z} - largest);`]),
    ...(gradient ? gradientLines(classes, label, logits) : lossLines(classes, label, z)),
  ];
  return gpuSource(`softmaxCrossEntropy_${names[0]}`, outputOf(at(call.outputs, 0).shape), tables, {
    statements: lines,
    value: 'result',
  });
};

/** Σ_c y_c · (log total − (z_c − largest)), leaving out the classes whose y is 0, whose log p may be −∞. */
function lossLines(classes: number, label: (c: string) => string, z: string): string[] {
  return [
    'const logTotal = Math.log(total);',
    'let result = 0;',
    ...loop('c', classes, [
      `const y = ${label('c')};`,
      'if (y !== 0) {',
      `  result += y * (logTotal - (${z} - largest));`,
      '}',
    ]),
  ];
}

/** p_c · Σ_j y_j − y_c, 0 where it is tiny */
function gradientLines(classes: number, label: (c: string) => string, logits: Table): string[] {
  return [
    'let mass = 0;',
    ...loop('c', classes, [`const y = ${label('c')};`, 'mass += y;']),
    `const own = ${label(column)};`,
    `const slope = Math.exp(${logits.at([row, column])} - largest) / total * mass - own;`,
    `const result = Math.abs(slope) < ${tinySlope} ? 0 : slope;`,
  ];
}

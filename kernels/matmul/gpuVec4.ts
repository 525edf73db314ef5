import { sizeOf } from '../../src/core/shape.js';
import type { View } from '../../src/core/view.js';
import { coordinatesOf, type GpuStagedKernel, tablesOf } from '../toolkit/gpu/kernel.js';
import {
  columnOf,
  finishStage,
  packStage,
  printLanes,
  productOfTexels,
  startSums,
  sumNumbers,
  vec4Source,
} from '../toolkit/gpu/vec4.js';
import type { MatmulSpecification } from './contract.js';

/**
 * Second operands of fewer numbers are not packed: it costs more than it saves. Packed sums have other bits, so the rows
 * of the first do not count: a row has the same result however many there are.
 */
const worthPacking = 2 ** 8;

/** Each thread sums over k for four columns of its row. */
export const matmulVec4: GpuStagedKernel<MatmulSpecification> = (call, vec4) => {
  if (vec4 === 'none') return undefined;
  const { shape } = call.outputs[0]!;
  const [a, b] = call.inputs as [(typeof call.inputs)[number], (typeof call.inputs)[number]];
  const [n, k] = [shape.at(-1)!, a.shape.at(-1)!];
  if (vec4 === 'buffers') {
    if (n % 4 !== 0) return undefined;
    const tables = tablesOf(call);
    const threads = [...shape.slice(0, -1), n / 4];
    const { statements, indices } = coordinatesOf(threads);
    const batch = indices.slice(0, -2);
    const result = printLanes(call.specification.epilogue, tables);
    const lines = [
      ...statements,
      ...startSums,
      ...sumNumbers(
        k,
        (at) => tables[0]!.at([...batch, indices.at(-2)!, at]),
        (at, lane) => tables[1]!.at([...batch, at, columnOf(lane)]),
      ),
      ...result.statements,
    ];
    const output = [n / 4, sizeOf(shape) / n] as const;
    const source = vec4Source('matmul', output, tables, { statements: lines, values: result.values });
    return [{ source, operands: call.inputs.map((_, i) => i) }];
  }
  const m = shape.at(-2)!;
  if (sizeOf(shape) !== m * n || n * k < worthPacking) return undefined;
  return [
    packStage(0, matrix(a), a.size),
    packStage(1, matrix(b), b.size, Math.ceil(k / 4) * 4),
    { source: productOfTexels('matmul', m, n, k), operands: [{ stage: 0 }, { stage: 1 }] },
    finishStage('matmul', call, 2),
  ];
};

/** The last two axes of an operand whose other axes have one element. */
function matrix({ shape, strides, offset }: View): View {
  return { shape: shape.slice(-2), strides: strides.slice(-2), offset };
}

import { fourAxes, sizeOf } from '../../src/core/shape.js';
import type { Plain } from '../contract.js';
import {
  column,
  coordinatesOf,
  type GpuCall,
  type GpuStage,
  type GpuStagedKernel,
  gpuSource,
  row,
} from '../toolkit/gpu/kernel.js';
import {
  columnOf,
  finishStage,
  lanes,
  packStage,
  productOfTexels,
  startSums,
  sumNumbers,
  sums,
  vec4Source,
} from '../toolkit/gpu/vec4.js';
import { pixelTable, reachesOutside, when } from '../toolkit/gpu/windows.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { slidingOf } from './gpu.js';

type Call = GpuCall<Plain<Conv2dFilterGradientSpecification>>;

/** Most numbers of the matrix of patches: it is as many times larger than the images as the filter has pixels. */
const mostPatches = 2 ** 24;

/**
 * The filter gradient as a matrix product: dw[(a,b,c), o] = Σ patches[(a,b,c), (n,i,j)] · dy[(n,i,j), o], where a patch
 * is what window (n,i,j) sees at place (a,b,c). The matrix is made first; its rows are then read one after the other.
 */
export const conv2dFilterGradientVec4: GpuStagedKernel<Plain<Conv2dFilterGradientSpecification>> = (
  call,
  vec4,
) => {
  const { shape } = call.outputs[0]!;
  const filters = shape[3]!;
  const rows = sizeOf(shape) / filters;
  const { size, offset, shape: grid } = call.inputs[1]!;
  const windows = sizeOf(grid.slice(0, -1));
  if (vec4 === 'none' || windows === 0 || rows * windows > mostPatches) return undefined;
  if (vec4 === 'textures') {
    const view = { shape: [windows, filters], strides: [filters, 1], offset };
    return [
      patchStage(call, windows, true),
      packStage(1, view, size, Math.ceil(windows / 4) * 4),
      {
        source: productOfTexels('conv2dFilterGradient', rows, filters, windows),
        operands: [{ stage: 0 }, { stage: 1 }],
      },
      finishStage('conv2dFilterGradient', { ...call, specification: {} }, 2),
    ];
  }
  if (filters % 4 !== 0) return undefined;
  const patches = { columns: windows, at: ([y, x]: readonly string[]) => `x0[${y}][${x}]` };
  const dy = pixelTable('x1', call.inputs[1]!);
  const product = sumNumbers(
    windows,
    (k) => patches.at([row, k]),
    (k, lane) => dy.at([k, columnOf(lane)]),
  );
  const lines = [...startSums, ...product];
  const source = vec4Source('conv2dFilterGradient', [filters / 4, rows], [patches, dy], {
    statements: lines,
    values: sums,
  });
  return [patchStage(call, windows, false), { source, operands: [{ stage: 0 }, 1] }];
};

/** The matrix of patches, `[filter height · width · channels, windows]`, packed along the windows or not. */
function patchStage(call: Call, windows: number, packed: boolean): GpuStage {
  const [images, grid, filter] = [call.inputs[0]!.shape, call.inputs[1]!.shape, call.outputs[0]!.shape];
  const sliding = slidingOf(call, filter);
  const { strides, padding } = sliding;
  const [, height, width] = fourAxes(images);
  const [, down, across] = fourAxes(grid);
  const table = pixelTable('x0', call.inputs[0]!);
  const columns = packed ? Math.ceil(windows / 4) : windows;
  const { statements, indices } = coordinatesOf([...filter.slice(0, 3), columns]);
  const [a, b, c] = indices as [string, string, string];
  const outside = reachesOutside(sliding, images, grid);
  const lines = (packed ? lanes : [0]).flatMap((lane) => {
    const guards = [
      ...(packed && windows % 4 !== 0 ? [`position${lane} < ${windows}`] : []),
      ...(outside ? [`p${lane} >= 0`, `p${lane} < ${height}`, `q${lane} >= 0`, `q${lane} < ${width}`] : []),
    ];
    return [
      `const position${lane} = ${packed ? columnOf(lane) : column};`,
      `const line${lane} = Math.floor((position${lane} + 0.5) / ${across});`,
      `const image${lane} = Math.floor((line${lane} + 0.5) / ${down});`,
      `const p${lane} = (line${lane} - image${lane} * ${down}) * ${strides[0]} + ${a} - ${padding.top};`,
      `const q${lane} = (position${lane} - line${lane} * ${across}) * ${strides[1]} + ${b} - ${padding.left};`,
      `const pixel${lane} = (image${lane} * ${height} + p${lane}) * ${width} + q${lane};`,
      `let v${lane} = 0;`,
      ...when(guards, [`v${lane} = ${table.at([`pixel${lane}`, c])};`]),
    ];
  });
  const output = [columns, sizeOf(filter.slice(0, 3))] as const;
  const all = [...statements, ...lines];
  const source = packed
    ? vec4Source('patches', output, [table], { statements: all, values: lanes.map((lane) => `v${lane}`) })
    : gpuSource('patches', output, [table], { statements: all, value: 'v0' });
  return { source, operands: [0] };
}

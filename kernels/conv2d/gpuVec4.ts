import { fourAxes, sizeOf } from '../../src/core/shape.js';
import type { Plain } from '../contract.js';
import {
  column,
  coordinatesOf,
  type GpuCall,
  type GpuStage,
  type GpuStagedKernel,
  gpuSource,
  loop,
  outputOf,
  type Table,
  tableOf,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import {
  columnOf,
  finishStage,
  lanes,
  packStage,
  printLanes,
  stageTable,
  startSums,
  sums,
  vec4Source,
} from '../toolkit/gpu/vec4.js';
import { eachPixelOfWindow, eachWindowOfPixel, pixelTable } from '../toolkit/gpu/windows.js';
import type { Conv2dInputGradientSpecification, Conv2dSpecification } from './contract.js';
import { slidingOf } from './gpu.js';

type Call = GpuCall<Plain<Conv2dSpecification>>;

/** A pass that sums, for each output pixel, rows of an image times rows of a filter. */
interface Pass {
  readonly name: string;
  /** Channels that are summed over, and those of the result. */
  readonly from: number;
  readonly to: number;
  /** The loops around `body`, given the indices of the output's pixel; `frame` is done for each place outside the image. */
  around(indices: readonly string[], body: readonly string[], frame: readonly string[]): string[];
  /** The row of the image that the loops have come to. */
  readonly pixel: string;
  /** The row of a filter of `[tap, from, to]` for channel `channel`. */
  filterRow(channel: string): string;
}

const forward = (call: Call): Pass => {
  const [images, filter] = [call.inputs[0]!.shape, call.inputs[1]!.shape];
  return {
    ...{ name: 'conv2d', from: filter[2]!, to: filter[3]!, pixel: 'pixel' },
    around: (indices, body, frame) =>
      eachPixelOfWindow(
        slidingOf(call, filter),
        { images, grid: call.outputs[0]!.shape, frame },
        indices,
        body,
      ),
    filterRow: (channel) => `(a * ${filter[1]} + b) * ${filter[2]} + ${channel}`,
  };
};

const inputGradient = (call: Call): Pass => {
  const [grid, filter] = [call.inputs[0]!.shape, call.inputs[1]!.shape];
  return {
    ...{ name: 'conv2dInputGradient', from: filter[3]!, to: filter[2]!, pixel: 'from' },
    around: (indices, body) => eachWindowOfPixel(slidingOf(call, filter), grid, indices, body),
    filterRow: (channel) => `(a * ${filter[1]} + b) * ${filter[3]} + ${channel}`,
  };
};

/** The filter as `[tap, from, to]`: as it lies, or with its channels swapped. */
function filterView({ inputs }: Call, swapped: boolean) {
  const { shape, offset } = inputs[1]!;
  const [height, width, channels, filters] = fourAxes(shape);
  const taps = height * width;
  return swapped
    ? { shape: [taps, filters, channels], strides: [channels * filters, 1, filters], offset }
    : { shape: [taps, channels, filters], strides: [channels * filters, filters, 1], offset };
}

/** Tells whether there is nothing to sum over: textures are never empty. */
function isEmpty({ inputs }: Call): boolean {
  return inputs.some(({ size }) => size === 0);
}

/** Textures: the filter packed along the result's channels, the image along those that are summed over. */
function packed(call: Call, pass: Pass, swapped: boolean): readonly GpuStage[] | undefined {
  if (isEmpty(call)) return undefined;
  const { shape } = call.outputs[0]!;
  const width = Math.ceil(pass.to / 4);
  const image = call.inputs[0]!;
  const inTexels = pass.from % 4 === 0;
  const rows = sizeOf(image.shape.slice(0, -1));
  const imageView = { shape: [rows, pass.from], strides: [pass.from, 1], offset: image.offset };
  const own: Table = inTexels ? stageTable('x0', pass.from / 4) : pixelTable('x0', image);
  const filter = stageTable('x1', width);
  const body = inTexels
    ? loop('c', pass.from / 4, [
        `const left = ${own.at([pass.pixel, 'c'])};`,
        ...lanes.map(
          (lane) => `const right${lane} = ${filter.at([pass.filterRow(`c * 4 + ${lane}`), column])};`,
        ),
        ...lanes.map((lane) => {
          const products = lanes.map((part) => `left[${part}] * right${part}[${lane}]`);
          return `sum${lane} += ${products.join(' + ')};`;
        }),
      ])
    : loop('c', pass.from, [
        `const left = ${own.at([pass.pixel, 'c'])};`,
        `const right = ${filter.at([pass.filterRow('c'), column])};`,
        ...lanes.map((lane) => `sum${lane} += left * right[${lane}];`),
      ]);
  const frame = loop('c', pass.from, [
    `const right = ${filter.at([pass.filterRow('c'), column])};`,
    ...lanes.map((lane) => `sum${lane} += 0 * right[${lane}];`),
  ]);
  const { statements, indices } = coordinatesOf([...shape.slice(0, -1), width]);
  const lines = [...statements, ...startSums, ...pass.around(indices, body, frame)];
  const source = vec4Source(pass.name, [width, sizeOf(shape) / pass.to], [own, filter], {
    statements: lines,
    values: sums,
  });
  const first = packStage(1, filterView(call, swapped), call.inputs[1]!.size);
  const stages: GpuStage[] = inTexels ? [first, packStage(0, imageView, image.size)] : [first];
  return [
    ...stages,
    {
      source: { ...source, reads: [inTexels ? 'texels' : 'numbers', 'texels'] },
      operands: [inTexels ? { stage: 1 } : 0, { stage: 0 }],
    },
    finishStage(pass.name, call, stages.length),
  ];
}

/** Buffers: four channels of the result at once. A filter whose channels are swapped is written out so first. */
function direct(call: Call, pass: Pass, swapped: boolean): readonly GpuStage[] | undefined {
  const { shape } = call.outputs[0]!;
  if (pass.to % 4 !== 0 || isEmpty(call)) return undefined;
  const image = pixelTable('x0', call.inputs[0]!);
  const filter = swapped ? stageTable('x1', pass.to) : pixelTable('x1', call.inputs[1]!);
  const tables = [image, filter, ...tablesOf(call).slice(2)];
  const { statements, indices } = coordinatesOf([...shape.slice(0, -1), pass.to / 4]);
  const result = printLanes(call.specification.epilogue, tables);
  const sum = loop('c', pass.from, [
    `const left = ${image.at([pass.pixel, 'c'])};`,
    ...lanes.map((lane) => {
      const right = filter.at([pass.filterRow('c'), columnOf(lane)]);
      return `sum${lane} += left * ${right};`;
    }),
  ]);
  const frame = loop(
    'c',
    pass.from,
    lanes.map((lane) => `sum${lane} += 0 * ${filter.at([pass.filterRow('c'), columnOf(lane)])};`),
  );
  const lines = [...statements, ...startSums, ...pass.around(indices, sum, frame), ...result.statements];
  const output = [pass.to / 4, sizeOf(shape) / pass.to] as const;
  const source = vec4Source(pass.name, output, tables, { statements: lines, values: result.values });
  const operands = call.inputs.map((_, i) => i);
  if (!swapped) return [{ source, operands }];
  const operandsAfter = operands.map((i) => (i === 1 ? { stage: 0 } : i));
  return [swapStage(call), { source, operands: operandsAfter }];
}

/** The filter as rows `[tap, from]` of its channels `to`. */
function swapStage(call: Call): GpuStage {
  const view = filterView(call, true);
  const table = tableOf('x0', view, call.inputs[1]!.size);
  const { statements, indices } = coordinatesOf(view.shape);
  const source = gpuSource('swap', outputOf(view.shape), [table], {
    statements: [...statements, `const value = ${table.at(indices)};`],
    value: 'value',
  });
  return { source, operands: [1] };
}

export const conv2dVec4: GpuStagedKernel<Plain<Conv2dSpecification>> = (call, vec4) => {
  if (vec4 === 'none') return undefined;
  const pass = forward(call);
  return vec4 === 'buffers' ? direct(call, pass, false) : packed(call, pass, false);
};

export const conv2dInputGradientVec4: GpuStagedKernel<Plain<Conv2dInputGradientSpecification>> = (
  call,
  vec4,
) => {
  if (vec4 === 'none') return undefined;
  const pass = inputGradient(call);
  return vec4 === 'buffers' ? direct(call, pass, true) : packed(call, pass, true);
};

/** Small kernels of every kind that has vectors, run in two ways whose bytes are compared. */
import type { KernelCall, Layout } from '../../../kernels/contract.js';
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import { type WasmKernel, type WasmOptions, wasmKernels } from '../../../kernels/wasm.js';
import { bytesOf, type Dtype } from '../../core/dtype.js';
import { call, constantOf, type Expression, input } from '../../core/expression.js';
import { rowMajorStrides, type Shape } from '../../core/shape.js';
import type { KernelRun } from '../../writers/wasm/assembler.js';
import { extentOf, fill } from './madeUp.js';
import { WasmMemory } from './memory.js';

/** Makes a function of the code of a kernel. */
export type Bind = (bytes: Uint8Array<ArrayBuffer>, memory: WasmMemory, options: WasmOptions) => KernelRun;

const bindModule: Bind = (bytes, { memory }, options) => {
  // V8 keeps the code of equal modules: an empty section of its own makes another of the joined one
  const section = options.wide ? [0, 2, 1, 'x'.charCodeAt(0)] : [];
  const module = new WebAssembly.Module(new Uint8Array([...bytes, ...section]));
  return new WebAssembly.Instance(module, { env: { memory } }).exports.run as KernelRun;
};

interface Row {
  readonly kind: KernelKind;
  /** The bytes of all outputs. */
  run(options: WasmOptions, memory: WasmMemory, bind: Bind): Uint8Array;
}

const layoutOf = (shape: Shape, dtype: Dtype = 'float32'): Layout => ({
  dtype,
  shape,
  strides: rowMajorStrides(shape),
});

function run<Specification>(
  emit: WasmKernel<Specification>,
  asked: KernelCall<Specification>,
  {
    options,
    memory,
    bind,
  }: { readonly options: WasmOptions; readonly memory: WasmMemory; readonly bind: Bind },
): Uint8Array {
  const { bytes, units, scratchBytes } = emit(asked, options);
  const place = (layout: Layout) => {
    const size = extentOf(layout);
    const address = memory.allocate(size * bytesOf[layout.dtype]);
    return { address, size, dtype: layout.dtype };
  };
  const inputs = asked.inputs.map(place);
  const outputs = asked.outputs.map(place);
  const scratch = scratchBytes > 0 ? [memory.allocate(scratchBytes)] : [];
  for (const { address, size, dtype } of inputs) fill(memory.view(address, dtype, size));
  const pointers = [...inputs, ...outputs].map(({ address }) => address);
  bind(bytes, memory, options)(...pointers, ...scratch, 0, units);
  const values = outputs.map(({ address, size, dtype }) => memory.view(address, dtype, size));
  return new Uint8Array(
    values.flatMap(({ buffer, byteOffset, byteLength }) => [
      ...new Uint8Array(buffer, byteOffset, byteLength),
    ]),
  );
}

function row<K extends KernelKind>(
  kind: K,
  specification: Specifications[K],
  inputs: readonly Shape[],
  output: Shape,
): Row {
  const emit: WasmKernel<Specifications[K]> = wasmKernels[kind];
  const asked = {
    specification,
    inputs: inputs.map((shape) => layoutOf(shape)),
    outputs: [layoutOf(output)],
  };
  return { kind, run: (options, memory, bind) => run(emit, asked, { options, memory, bind }) };
}

/** An update like Adam's, with a division and a root. */
function adamLike(): Expression {
  const [a, b, c] = [input(0), input(1), input(2)];
  const root = call('add', call('sqrt', b), constantOf(1e-3));
  return call('subtract', c, call('divide', call('multiply', a, constantOf(0.3)), root));
}

const same = {
  strides: [1, 1],
  padding: { top: 1, bottom: 1, left: 1, right: 1 },
} as const;
const valid = {
  strides: [1, 1],
  padding: { top: 0, bottom: 0, left: 0, right: 0 },
} as const;

/** Shapes that no tile divides. */
const rows: readonly Row[] = [
  row(
    'matmul',
    {},
    [
      [27, 73],
      [73, 41],
    ],
    [27, 41],
  ),
  row(
    'conv2d',
    same,
    [
      [3, 9, 11, 16],
      [3, 3, 16, 24],
    ],
    [3, 9, 11, 24],
  ),
  row(
    'conv2d',
    valid,
    [
      [3, 12, 13, 3],
      [5, 5, 3, 24],
    ],
    [3, 8, 9, 24],
  ),
  row(
    'conv2dInputGradient',
    same,
    [
      [3, 9, 11, 24],
      [3, 3, 16, 24],
    ],
    [3, 9, 11, 16],
  ),
  row(
    'conv2dFilterGradient',
    same,
    [
      [3, 9, 11, 16],
      [3, 9, 11, 24],
    ],
    [3, 3, 16, 24],
  ),
  row('map', { expressions: [adamLike()] }, [[1031], [1031], [1031]], [1031]),
  row('map', { expressions: [call('exp', input(0))] }, [[1031]], [1031]),
  row('reduce', { operation: 'sum', axes: [0], prologue: input(0) }, [[37, 29]], [29]),
  row('reduce', { operation: 'sum', axes: [1], prologue: input(0) }, [[29, 37]], [29]),
];

/**
 * The kinds of kernels that give other bytes with `others` than with `plain`.
 *
 * @param around is called with what compiles and runs a kernel with `others`
 */
export function differentKinds(
  plain: WasmOptions,
  others: WasmOptions,
  around: (run: () => Uint8Array) => Uint8Array = (run) => run(),
  { memory = new WasmMemory(plain.shared), bind = bindModule }: { memory?: WasmMemory; bind?: Bind } = {},
): KernelKind[] {
  const different = rows.filter((each) => {
    const expected = each.run(plain, memory, bindModule);
    const actual = around(() => each.run(others, memory, bind));
    return actual.length !== expected.length || actual.some((byte, i) => byte !== expected[i]);
  });
  return [...new Set(different.map(({ kind }) => kind))];
}

import { ModuleBuilder } from '../../src/writers/wasm/assembler.js';
import type { KernelCall, Layout } from '../contract.js';
import { EpilogueEmitter } from '../toolkit/wasm/epilogue.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { lowerTiles, otherBlocks, type WasmWays } from '../toolkit/wasm/ways.js';
import type { MatmulSpecification } from './contract.js';
import { emitMatmul } from './emit.js';
import { emitFewRows, hasFewRows } from './fewRows.js';
import type { MatrixStrides } from './plan.js';

function matrixStrides({ strides }: Layout): MatrixStrides {
  return { batch: strides.slice(0, -2), row: strides.at(-2)!, column: strides.at(-1)! };
}

export function matmulWasm(call: KernelCall<MatmulSpecification>, options: WasmOptions): WasmCode {
  const [a, b] = call.inputs as readonly [Layout, Layout];
  const output = call.outputs[0]!;
  const shape = {
    batch: a.shape.slice(0, -2),
    m: a.shape.at(-2)!,
    k: a.shape.at(-1)!,
    n: b.shape.at(-1)!,
    a: matrixStrides(a),
    b: matrixStrides(b),
    sumsInOutput: output.dtype === 'float32',
  };
  const module = new ModuleBuilder(options);
  const epilogue = new EpilogueEmitter(call.specification.epilogue, call);
  const few = hasFewRows(shape, options);
  const emit = few ? emitFewRows : emitMatmul;
  const { tile, split, skips, ...code } = emit(module, shape, options, epilogue);
  return {
    ...code,
    bytes: module.bytes(),
    algorithm: `matmul ${tile}, ${few ? 'in place' : 'packed panels'}, by ${split === 'rows' ? 'rows' : 'columns'}${skips ? ', without zeros' : ''}`,
  };
}

export const matmulWays: WasmWays = (options) => [
  {},
  ...lowerTiles(options),
  ...otherBlocks,
  { packRows: false },
  { packRows: true },
];

/**
 * The limit that multiplying kernels are measured against: multiply-adds of the kernels' own width with nothing else to do,
 * 12 independent chains in registers (enough to hide a latency of 4 cycles on two units with room to spare).
 */
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  ModuleBuilder,
  type V128,
} from '../../writers/wasm/assembler.js';
import type { SimdLevel } from '../../writers/wasm/simdLevel.js';
import type { X64Level } from '../../writers/x64/frame.js';
import { WasmMemory } from './memory.js';
import { Native } from './native/native.js';

const chains = 12;
const unroll = 4;
/** Turns of 4 chains to a lane: a multiplication and an addition in each. */
const flopsPerLane = chains * unroll * 2;

/** The chains, `count` times; their sum. */
function emitTurns(f: FunctionBuilder, count: I32): V128 {
  const sums = Array.from({ length: chains }, (_, chain) => f.let(f32x4.const(chain)));
  const [half, quarter] = [f.let(f32x4.const(0.5)), f.let(f32x4.const(0.25))];
  f.loop(0, count, 1, () => {
    for (let turn = 0; turn < unroll; turn++) {
      for (const sum of sums) f.set(sum, f.multiplyAdd(sum, half, quarter));
    }
  });
  return sums.reduce<V128>((total, sum) => f32x4.add(total, sum), f32x4.const(0));
}

/** As machine code of a level. */
function nativeTurns(level: X64Level): { turns: (count: number) => void; lanes: number } {
  const memory = new WasmMemory(true);
  const native = new Native(memory, { level });
  const machine = native.target;
  const module = new ModuleBuilder({ simd: 'relaxed', shared: true, machine });
  module.kernel(['out'], (f, { out, end }) => f.store(out, emitTurns(f, end)));
  const run = native.bind(module.bytes());
  const out = memory.allocate(64);
  return { turns: (count) => run(out, 0, count), lanes: machine.lanes };
}

function wasmTurns(simd: SimdLevel): { turns: (count: number) => void; lanes: number } {
  const module = new ModuleBuilder({ simd, shared: false });
  module.exportedFunction('turns', { count: 'i32' }, (f, { count }) =>
    f32x4.extractLane(emitTurns(f, count), 0),
  );
  const memory = new WebAssembly.Memory({ initial: 0 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  return { turns: exports.turns as (count: number) => number, lanes: 4 };
}

/**
 * Gives what runs multiply-adds for about the given time and returns the rate in GFLOP/s.
 *
 * @param clock tells seconds
 * @param native of machine code of this level
 */
export function multiplyAddPeak(
  simd: SimdLevel,
  clock: () => number,
  native?: X64Level,
): (milliseconds: number) => number {
  const { turns, lanes } = native === undefined ? wasmTurns(simd) : nativeTurns(native);
  const flopsPerTurn = flopsPerLane * lanes;
  const rate = (count: number) => {
    const start = clock();
    turns(count);
    return (count * flopsPerTurn) / 1e9 / (clock() - start);
  };
  // Called often before it is believed: the optimized code replaces the first one between calls.
  let known = 0;
  for (let call = 0; call < 20; call++) known = Math.max(known, rate(50_000));
  return (milliseconds) => rate(Math.ceil((milliseconds * known * 1e6) / flopsPerTurn));
}

/**
 * The limit that multiplying kernels are measured against: 128-bit multiply-adds with nothing else to do, 12 independent
 * chains in registers (enough to hide a latency of 4 cycles on two units with room to spare).
 */
import { f32x4, ModuleBuilder } from '../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../src/writers/wasm/simdLevel.js';
import { type Clock, wallClock } from './clock.js';

const chains = 12;
const unroll = 4;
/** Each chain: 4 lanes, a multiplication and an addition in each. */
const flopsPerTurn = chains * unroll * 4 * 2;

/** Runs multiply-adds for about the given time and returns the rate in GFLOP/s. */
export function multiplyAddPeak(simd: SimdLevel, clock: Clock = wallClock): (milliseconds: number) => number {
  const module = new ModuleBuilder({ simd, shared: false });
  module.exportedFunction('turns', { count: 'i32' }, (f, { count }) => {
    const sums = Array.from({ length: chains }, (_, chain) => f.let(f32x4.const(chain)));
    const [half, quarter] = [f.let(f32x4.const(0.5)), f.let(f32x4.const(0.25))];
    f.loop(0, count, 1, () => {
      for (let turn = 0; turn < unroll; turn++) {
        for (const sum of sums) f.set(sum, f.multiplyAdd(sum, half, quarter));
      }
    });
    return f32x4.extractLane(
      sums.reduce<ReturnType<typeof f32x4.add>>((total, sum) => f32x4.add(total, sum), f32x4.const(0)),
      0,
    );
  });
  const memory = new WebAssembly.Memory({ initial: 0 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  const turns = exports.turns as (count: number) => number;
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

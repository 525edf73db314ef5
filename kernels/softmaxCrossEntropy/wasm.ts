import { leading } from '../../src/core/lists.js';
import { tinySlope } from '../../src/core/math.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import { exp4, log4 } from '../../src/writers/wasm/simdMath.js';
import { countingLanes, laneMask } from '../../src/writers/wasm/simdMemory.js';
import { fourLanes, type WasmKernel } from '../toolkit/wasm/kernel.js';
import { buildUnits, forEachVector, minimum, rowsPerUnit, type VectorPlace } from '../toolkit/wasm/units.js';
import type { SoftmaxCrossEntropySpecification } from './contract.js';

type Vector = Local<'v128'>;

/** e^−69.5 is below 2⁻¹⁰⁰, and normal. */
const leastExponent = -69.5;

/** The four lanes combined, always in the order (0, 2) with (1, 3), in every lane. */
function acrossLanes(f: FunctionBuilder, value: Vector, combine: (a: V128, b: V128) => V128): Vector {
  const halves = f.let(combine(value, i32x4.shuffle(value, value, [2, 3, 0, 1])));
  return f.let(combine(halves, i32x4.shuffle(halves, halves, [1, 0, 3, 2])));
}

/** y at four classes of a row whose label is an index, 0 beyond the last. */
function labelOfIndex(f: FunctionBuilder, wanted: Vector): (place: VectorPlace) => Vector {
  return ({ at, constant, lanes }) => {
    const isLabel = i32x4.eq(countingLanes(i32.shrU(i32.add(at, constant), i32.const(2))), wanted);
    return f.let(v128.and(v128.and(isLabel, f32x4.const(1)), laneMask(lanes)));
  };
}

/** The value, and `beyond` in lanes from `lanes` on. */
function inside(value: V128, lanes: number, beyond: number): V128 {
  return lanes === 4 ? value : v128.bitselect(value, f32x4.const(beyond), laneMask(lanes));
}

/** Reads four logits of a row, and what its label says of four classes. `start` is where the row begins, in bytes. */
function readersOf(
  f: FunctionBuilder,
  p: Readonly<Record<string, I32>>,
  { row, start }: { row: I32; start: I32 },
  labelKind: SoftmaxCrossEntropySpecification['labels'],
) {
  const reader =
    (address: I32) =>
    ({ at, constant, lanes }: VectorPlace): Vector =>
      f.let(v128.loadLanes(i32.add(address, at), lanes, constant));
  const logits = reader(f.let(i32.add(p.logits!, start)));
  if (labelKind !== 'indices') return { logits, label: reader(i32.add(p.labels!, start)) };
  const wanted = f.let(v128.load32Splat(i32.add(p.labels!, i32.mul(row, 4))));
  return { logits, label: labelOfIndex(f, wanted) };
}

/** A unit is as many rows as make about 4096 logits; three passes over a row: its largest, its sums, its results. */
export const softmaxCrossEntropyWasm: WasmKernel<SoftmaxCrossEntropySpecification> = (
  { specification, inputs },
  options,
) => {
  const [batch, classes] = leading(inputs[0]!.shape, 2);
  const { labels: labelKind, outputs } = specification;
  const atOnce = rowsPerUnit(classes);
  const units = Math.ceil(batch / atOnce);
  const names = ['logits', 'labels', ...outputs];
  const bytes = buildUnits(fourLanes(options), names, units, (f, p) => {
    const from = f.let(i32.mul(p.unit!, atOnce));
    f.loop(from, f.let(minimum(i32.add(from, atOnce), i32.const(batch))), 1, (row) => {
      const start = f.let(i32.mul(row, 4 * classes));
      const { logits: load, label } = readersOf(f, p, { row, start }, labelKind);

      // beside the largest, whose power is 1, smaller ones are nothing, but slow where they are subnormal; NaN passes
      const power = (below: V128) => exp4(f, f32x4.pmax(below, leastExponent));

      const lane = f.let(f32x4.const(-Infinity));
      forEachVector(f, classes, 1, (place) => {
        f.set(lane, f32x4.max(lane, inside(load(place), place.lanes, -Infinity)));
      });
      const largest = acrossLanes(f, lane, f32x4.max);

      // Σ e^(z − max), Σ y, Σ y (max − z); a class that the label gives nothing adds nothing, even where z is −∞
      const zero = () => f.let(f32x4.const(0));
      const [exponentials, mass, distance] = [zero(), zero(), zero()];
      forEachVector(f, classes, 1, (place) => {
        const below = f.let(f32x4.sub(load(place), largest));
        f.set(exponentials, f32x4.add(exponentials, inside(power(below), place.lanes, 0)));
        const y = label(place);
        f.set(mass, f32x4.add(mass, y));
        const share = v128.and(f32x4.mul(y, below), f32x4.ne(y, 0));
        f.set(distance, f32x4.sub(distance, share));
      });
      const total = acrossLanes(f, exponentials, f32x4.add);
      const masses = acrossLanes(f, mass, f32x4.add);

      if (outputs.includes('loss')) {
        // loss = Σ y · log Σ e^(z − max) + Σ y (max − z)
        const weighted = v128.and(f32x4.mul(masses, log4(f, total)), f32x4.ne(masses, 0));
        const loss = f32x4.add(weighted, acrossLanes(f, distance, f32x4.add));
        f.storeLanes(i32.add(p.loss!, i32.mul(row, 4)), loss, 1);
      }
      if (outputs.includes('gradient')) {
        const gradient = f.let(i32.add(p.gradient!, start));
        forEachVector(f, classes, 1, (place) => {
          const probability = f32x4.div(power(f32x4.sub(load(place), largest)), total);
          const slope = f.let(f32x4.sub(f32x4.mul(probability, masses), label(place)));
          const value = v128.andnot(slope, f32x4.lt(f32x4.abs(slope), tinySlope));
          f.storeLanes(i32.add(gradient, place.at), value, place.lanes, place.constant);
        });
      }
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `softmaxCrossEntropy_rows_by_4` };
};

import { at } from '../../src/core/lists.js';
import { f32x4, type I32, i32, i32x4, v128 } from '../../src/writers/wasm/assembler.js';
import type { WasmKernel } from '../toolkit/wasm/kernel.js';
import { forEachPixelVector } from '../toolkit/wasm/pixels.js';
import { buildUnits, isEmpty } from '../toolkit/wasm/units.js';
import { forEachWindowVector, geometryOf } from '../toolkit/wasm/windows.js';
import type { AveragePoolSpecification } from './contract.js';

/** A count of pixels as a divisor in every lane. */
function divisor(count: I32) {
  return count.constant === undefined ? f32x4.convertI32x4S(i32x4.splat(count)) : f32x4.const(count.constant);
}

/** A unit is a row of the grid of windows. */
export const averagePoolWasm: WasmKernel<AveragePoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const { shape } = at(outputs, 0);
  const geometry = geometryOf(specification, at(inputs, 0).shape, shape);
  const units = isEmpty(shape) ? 0 : at(shape, 0) * at(shape, 1);
  const bytes = buildUnits(options, ['x', 'y'], units, (f, { x, y, unit }) => {
    forEachWindowVector(f, geometry, unit, {
      whole({ element: { base, constant }, lanes }, taps) {
        const sum = taps
          .map((tap) => v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant))
          .reduce((a, b) => f32x4.add(a, b));
        f.storeLanes(i32.add(y, base), f32x4.div(sum, divisor(at(taps, 0).count)), lanes, constant);
      },
      part({ element: { base, constant }, lanes }, _first, forEach) {
        const sum = f.let(f32x4.const(0));
        const pixels = f.let(f32x4.const(1));
        forEach((tap) => {
          f.set(sum, f32x4.add(sum, v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant)));
          f.set(pixels, divisor(tap.count));
        });
        f.storeLanes(i32.add(y, base), f32x4.div(sum, pixels), lanes, constant);
      },
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `averagePool_${specification.window.join('x')}` };
};

/** A unit is a row of an image. */
export const averagePoolGradientWasm: WasmKernel<AveragePoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const { shape } = at(outputs, 0);
  const geometry = geometryOf(specification, shape, at(inputs, 0).shape);
  const units = isEmpty(shape) ? 0 : at(shape, 0) * at(shape, 1);
  const bytes = buildUnits(options, ['dy', 'dx'], units, (f, { dy, dx, unit }) => {
    forEachPixelVector(f, geometry, unit, {
      open({ base, constant, lanes, count }) {
        const whole = v128.loadLanes(i32.add(dy, base), lanes, constant);
        const share = f.let(f32x4.div(whole, divisor(count)));
        return () => share;
      },
      store({ element: { base, constant }, lanes }, sum) {
        f.storeLanes(i32.add(dx, base), sum, lanes, constant);
      },
    });
  });
  return {
    bytes,
    units,
    scratchBytes: 0,
    algorithm: `averagePoolGradient_${specification.window.join('x')}`,
  };
};

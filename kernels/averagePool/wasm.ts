import { f32x4, i32, i32x4, v128 } from '../../src/writers/assembler.js';
import { buildUnits, isEmpty } from '../shared/units.js';
import { forEachPixelVector, forEachWindowVector, geometryOf } from '../shared/windows.js';
import type { WasmKernel } from '../wasmKernel.js';
import type { AveragePoolSpecification } from './contract.js';

/** A unit is a row of the grid of windows. */
export const averagePoolWasm: WasmKernel<AveragePoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const { shape } = outputs[0]!;
  const geometry = geometryOf(specification, inputs[0]!.shape, shape);
  const units = isEmpty(shape) ? 0 : shape[0]! * shape[1]!;
  const bytes = buildUnits(options, ['x', 'y'], units, (f, { x, y, unit }) => {
    forEachWindowVector(f, geometry, unit, ({ base, constant, lanes }, forEachTap) => {
      const sum = f.let(f32x4.const(0));
      const pixels = f.let(f32x4.const(1));
      forEachTap((tap) => {
        f.set(sum, f32x4.add(sum, v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant)));
        f.set(pixels, f32x4.convertI32x4S(i32x4.splat(tap.count)));
      });
      f.storeLanes(i32.add(y, base), f32x4.div(sum, pixels), lanes, constant);
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `averagePool_${specification.window.join('x')}` };
};

/** A unit is a row of an image: each pixel gathers from the windows that cover it, in their order. */
export const averagePoolGradientWasm: WasmKernel<AveragePoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const { shape } = outputs[0]!;
  const geometry = geometryOf(specification, shape, inputs[0]!.shape);
  const units = isEmpty(shape) ? 0 : shape[0]! * shape[1]!;
  const bytes = buildUnits(options, ['dy', 'dx'], units, (f, { dy, dx, unit }) => {
    forEachPixelVector(f, geometry, unit, ({ base, constant, lanes }, forEachTap) => {
      const sum = f.let(f32x4.const(0));
      forEachTap((tap) => {
        const share = v128.loadLanes(i32.add(dy, tap.base), lanes, tap.constant);
        f.set(sum, f32x4.add(sum, f32x4.div(share, f32x4.convertI32x4S(i32x4.splat(tap.count)))));
      });
      f.storeLanes(i32.add(dx, base), sum, lanes, constant);
    });
  });
  return {
    bytes,
    units,
    scratchBytes: 0,
    algorithm: `averagePoolGradient_${specification.window.join('x')}`,
  };
};

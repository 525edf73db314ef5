import { at } from '../../src/core/lists.js';
import { f32x4, type I32, i32, i32x4, type V128, v128 } from '../../src/writers/wasm/assembler.js';
import { selectLanes } from '../../src/writers/wasm/simdMath.js';
import { loadVector, storeVector } from '../../src/writers/wasm/simdMemory.js';
import type { Layout } from '../contract.js';
import { EpilogueEmitter, type EpiloguePosition } from '../toolkit/wasm/epilogue.js';
import type { WasmKernel } from '../toolkit/wasm/kernel.js';
import { forEachPixelVector } from '../toolkit/wasm/pixels.js';
import { buildUnits, isEmpty } from '../toolkit/wasm/units.js';
import { forEachWindowVector, geometryOf } from '../toolkit/wasm/windows.js';
import type { MaxPoolGradientSpecification, MaxPoolSpecification } from './contract.js';
import { beats, candidate, indexOffset, treeMaximum } from './treeMaximum.js';

/** Rows of the outer two axes: of images in a gradient, of the grid of windows elsewhere. */
function rowsOf({ shape }: Layout): number {
  return isEmpty(shape) ? 0 : at(shape, 0) * at(shape, 1);
}

/** A unit is a row of the grid of windows; values and indices are made in one pass over the window. */
export const maxPoolWasm: WasmKernel<MaxPoolSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const geometry = geometryOf(specification, at(inputs, 0).shape, at(outputs, 0).shape);
  const names = specification.outputs;
  const units = rowsOf(at(outputs, 0));
  const bytes = buildUnits(options, ['x', ...names], units, (f, pointers) => {
    const x = pointers.x!;
    const store = ({ element, lanes }: EpiloguePosition, value: V128, position: V128) => {
      names.forEach((name, o) => {
        const { dtype } = at(outputs, o);
        const [offset, rest] = indexOffset(dtype, element.base, element.constant);
        const result = name === 'values' ? value : position;
        storeVector(f, dtype, result, { address: i32.add(pointers[name]!, offset), lanes, offset: rest });
      });
    };
    forEachWindowVector(f, geometry, pointers.unit!, {
      whole(place, taps) {
        const pixels = taps.map((tap, position) =>
          candidate(f.let(v128.loadLanes(i32.add(x, tap.base), place.lanes, tap.constant)), position),
        );
        const { value, position } = treeMaximum(f, pixels);
        store(place, value, position);
      },
      part(place, first, forEach) {
        const best = f.let(f32x4.const(-Infinity));
        const where = f.let(i32x4.splat(first));
        forEach((tap) => {
          const value = f.let(v128.loadLanes(i32.add(x, tap.base), place.lanes, tap.constant));
          const mask = f.let(beats(value, best));
          f.set(best, selectLanes(f, value, best, mask));
          f.set(where, selectLanes(f, i32x4.splat(tap.position), where, mask));
        });
        store(place, best, where);
      },
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `maxPool_${specification.window.join('x')}` };
};

/** A unit is a row of the grid of windows. */
export const maxPoolTakeWasm: WasmKernel<MaxPoolGradientSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const geometry = geometryOf(specification, at(inputs, 0).shape, at(outputs, 0).shape);
  const { dtype } = at(inputs, 1);
  const units = rowsOf(at(outputs, 0));
  const bytes = buildUnits(options, ['x', 'indices', 'y'], units, (f, { x, indices, y, unit }) => {
    const wantedAt = (base: I32, constant: number, lanes: number) => {
      const [offset, rest] = indexOffset(dtype, base, constant);
      return f.let(loadVector(dtype, i32.add(indices, offset), { lanes, offset: rest }));
    };
    forEachWindowVector(f, geometry, unit, {
      whole({ element: { base, constant }, lanes }, taps) {
        const wanted = wantedAt(base, constant, lanes);
        const taken = taps
          .map((tap, position) => {
            const value = v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant);
            return v128.and(value, i32x4.eq(wanted, position));
          })
          .reduce((a, b) => v128.or(a, b));
        f.storeLanes(i32.add(y, base), taken, lanes, constant);
      },
      part({ element: { base, constant }, lanes }, _first, forEach) {
        const wanted = wantedAt(base, constant, lanes);
        const taken = f.let(f32x4.const(0));
        forEach((tap) => {
          const value = v128.loadLanes(i32.add(x, tap.base), lanes, tap.constant);
          f.set(taken, v128.or(taken, v128.and(value, i32x4.eq(wanted, i32x4.splat(tap.position)))));
        });
        f.storeLanes(i32.add(y, base), taken, lanes, constant);
      },
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `maxPoolTake_${specification.window.join('x')}` };
};

/** A unit is a row of an image. */
export const maxPoolGradientWasm: WasmKernel<MaxPoolGradientSpecification> = (call, options) => {
  const { specification, inputs, outputs } = call;
  const geometry = geometryOf(specification, at(outputs, 0).shape, at(inputs, 0).shape);
  const epilogue = new EpilogueEmitter(specification.epilogue, call);
  const { dtype } = at(inputs, 1);
  const units = rowsOf(at(outputs, 0));
  const names = ['dy', 'indices', ...epilogue.names, 'dx'];
  const bytes = buildUnits(options, names, units, (f, p) => {
    const finish = epilogue.begin(f, p);
    forEachPixelVector(f, geometry, p.unit!, {
      open({ base, constant, lanes, rowStart }) {
        const [offset, rest] = indexOffset(dtype, base, constant);
        const sent = f.let(v128.loadLanes(i32.add(p.dy!, base), lanes, constant));
        const index = loadVector(dtype, i32.add(p.indices!, offset), { lanes, offset: rest });
        const column = f.let(i32x4.sub(index, i32x4.splat(rowStart)));
        return (wanted) => v128.and(sent, i32x4.eq(column, wanted.constant ?? i32x4.splat(wanted)));
      },
      store(place, sum) {
        epilogue.store(f, p.dx!, finish(sum, place), place);
      },
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `maxPoolGradient_${specification.window.join('x')}` };
};

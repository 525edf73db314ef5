/**
 * conv2dFilterGradient directly: dw[a, b, c, o] = Σ_n Σ_i Σ_j x[n, i·sh + a, j·sw + b, c] · dy[n, i, j, o].
 *
 * For one row a of the window, (b, c) are the rows of a matrix product whose common dimension are the pixels of dy, and
 * both operands are read in place: x with neighboring rows side by side in memory, dy with a pixel's channels. Each
 * image is summed by itself and added to the total in the order of the batch, so the order of sums depends on nothing
 * but the shapes. A unit is a tile of dw; every worker reads all images.
 */
import { fourAxes } from '../../src/core/shape.js';
import { f32x4, type I32, i32, i32x4, ModuleBuilder, v128 } from '../../src/writers/wasm/assembler.js';
import type { KernelCall } from '../contract.js';
import { emitGemmTile } from '../toolkit/wasm/gemm.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { packing } from '../toolkit/wasm/packing.js';
import { TileGrid, type TileWork } from '../toolkit/wasm/tileGrid.js';
import { Scratch, unravel } from '../toolkit/wasm/units.js';
import type { Conv2dFilterGradientSpecification } from './contract.js';
import { Frame } from './frame.js';

interface Shape {
  readonly frame: Frame;
  /** Height, width and channels of dy. */
  readonly grid: readonly [number, number, number];
  readonly strides: readonly [number, number];
  /** dy is read in place; else its panels are packed, one image at a time. */
  readonly inPlace: boolean;
}

export function denseFilterGradientWasm(
  call: KernelCall<Conv2dFilterGradientSpecification>,
  options: WasmOptions,
): WasmCode {
  const image = fourAxes(call.inputs[0]!.shape);
  const [batch, height, width, outputs] = fourAxes(call.inputs[1]!.shape);
  const filter = fourAxes(call.outputs[0]!.shape);
  const { strides, padding } = call.specification;
  const frame = Frame.padded(image, padding);
  const depth = height * width;
  const module = new ModuleBuilder(options);
  const inPlace = outputs % module.lanes === 0;
  const shape: Shape = { frame, grid: [height, width, outputs], strides, inPlace };
  const rows = filter[1] * frame.channels;
  const grid = new TileGrid(module, { rows, columns: outputs }, options, tileWork(shape));
  const { tiles, panels } = grid;
  const panelBytes = inPlace ? 4 * panels.full.width : 4 * depth * panels.full.width;
  const scratch = new Scratch({ frame: frame.bytes, packed: inPlace ? 0 : depth * panels.rowBytes });
  const units = filter[0] * tiles.groups * panels.count;

  module.kernel(['x', 'dy', 'out', 'scratch'], (f, p) => {
    if (units === 0) return;
    if (batch * depth === 0) {
      f.if(i32.ltU(p.begin, p.end), () => f.fill(p.out, 0, 4 * filter[0] * rows * outputs));
      return;
    }
    const at = scratch.open(f, p.scratch);
    const packImage = (dy: I32) =>
      panels.forEach(f, (panel, index) => {
        const source = i32.add(dy, i32.mul(index, 4 * panels.full.width));
        const pack = packing(module, { k: depth, panel, rowStride: 4 * outputs, columnStride: 4 });
        f.call(pack, source, i32.add(at.packed, i32.mul(index, panelBytes)));
      });
    frame.clear(f, at.frame);
    f.loop(0, batch, 1, (image) => {
      const dy = f.let(i32.add(p.dy, i32.mul(image, 4 * depth * outputs)));
      const base = frame.open(f, p.x, image, at.frame);
      if (!inPlace) packImage(dy);
      f.loop(p.begin, p.end, 1, (unit) => {
        const parts = unravel(f, unit, [filter[0], tiles.groups, panels.count]);
        const [line, tile, index] = parts as [I32, I32, I32];
        const b = i32.add(inPlace ? dy : at.packed, i32.mul(index, panelBytes));
        panels.pick(f, index, (panel) =>
          tiles.pick(f, tile, (height, row) => {
            const a = i32.sum(base, i32.mul(line, frame.lineBytes), i32.mul(row, 4));
            const target = i32.add(i32.mul(line, rows), row);
            const element = i32.add(i32.mul(target, outputs), i32.mul(index, panels.full.width));
            f.call(grid.tile(height, panel), a, b, i32.add(p.out, i32.mul(element, 4)), image);
          }),
        );
      });
    });
  });
  return {
    ...{ bytes: module.bytes(), units, scratchBytes: scratch.bytes, repeats: true },
    algorithm: `filter gradient direct ${grid.label}${inPlace ? '' : ', packed dy'}`,
  };
}

/** A tile sums one image's share and adds it to what earlier images have left. */
function tileWork(shape: Shape): TileWork<'a' | 'panel' | 'out' | 'image'> {
  const { frame, grid, strides, inPlace } = shape;
  const [height, width, outputs] = grid;
  return {
    name: 'tile',
    parameters: ['a', 'panel', 'out', 'image'],
    write(f, p, panel, size) {
      const tile = {
        ...size,
        ...{ segments: height, segmentLength: width, rowStride: 4 },
        segmentStride: strides[0] * frame.lineBytes,
        innerStride: 4 * strides[1] * frame.channels,
        ...(inPlace ? { panelStride: 4 * outputs } : {}),
      };
      // the first image masks whatever the output holds
      const earlier = f.let(i32x4.splat(i32.sub(0, i32.ne(p.image, 0))));
      const lanes = (v: number) => panel.vectors[v]!.lanes;
      const offset = (r: number, v: number) => 4 * r * outputs + panel.vectors[v]!.at;
      emitGemmTile(f, tile, p, {
        finish(r, v, sum) {
          const before = v128.and(v128.loadLanes(p.out, lanes(v), offset(r, v)), earlier);
          return f32x4.add(before, sum);
        },
        store: (r, v, value) => f.storeLanes(p.out, value, lanes(v), offset(r, v)),
      });
    },
  };
}

import { bytesOf, type Dtype } from '../../src/core/dtype.js';
import { rowMajorStrides, type Shape, sizeOf } from '../../src/core/shape.js';
import { collapseAxes } from '../../src/core/view.js';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i8x16,
  i32,
  i32x4,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { Layout } from '../contract.js';
import { fourLanes, type WasmKernel } from '../toolkit/wasm/kernel.js';
import { buildUnits, isEmpty, minimum, numbered, rowsPerUnit, unravel } from '../toolkit/wasm/units.js';
import type { AssembleSpecification, Placement } from './contract.js';

/** Blocks of this many elements that no placement cuts are rows of their own: more to hand out to threads. */
const wholeBlock = 64;
/** Runs of more bytes than this are left to memory.copy and memory.fill. */
const longRun = 256;

interface Part {
  readonly input: Layout;
  readonly placement: Placement;
}

/**
 * The output is written row by row; a unit is as many rows as make about 4096 elements. A row is what lies below the
 * first axes of the output: filled first unless one part covers it, then every part that meets it is copied.
 */
export const assembleWasm: WasmKernel<AssembleSpecification> = (
  { specification, inputs, outputs },
  options,
) => {
  const { dtype, shape } = outputs[0]!;
  const parts = inputs.map((input, i) => ({ input, placement: specification.placements[i]! }));
  const axes = rowAxes(shape, parts);
  const rows = sizeOf(shape.slice(0, axes));
  const columns = sizeOf(shape.slice(axes));
  const covered = parts.reduce((sum, { input }) => sum + sizeOf(input.shape), 0) === sizeOf(shape);
  const atOnce = rowsPerUnit(columns);
  const units = isEmpty(shape) ? 0 : Math.ceil(rows / atOnce);
  const names = [...numbered('x', inputs.length), 'out'];
  const bytes = buildUnits(fourLanes(options), names, units, (f, p) => {
    const from = f.let(i32.mul(p.unit!, atOnce));
    f.loop(from, f.let(minimum(i32.add(from, atOnce), i32.const(rows))), 1, (row) => {
      const out = f.let(i32.add(p.out!, i32.mul(row, columns * bytesOf[dtype])));
      const position = unravel(f, row, shape.slice(0, axes));
      const place = (part: Part, index: number, after: () => void) =>
        placeInRow(f, part, { pointer: p[`x${index}`]!, out, shape, axes, position }, after);
      f.block((done) => {
        const partial: number[] = [];
        parts.forEach((part, index) => {
          if (isEmpty(part.input.shape)) return;
          if (covers(part, shape, axes)) place(part, index, () => f.branch(done));
          else partial.push(index);
        });
        if (!covered) fillRun(f, out, patternOf(dtype, specification.fill), columns * bytesOf[dtype]);
        for (const index of partial) place(parts[index]!, index, () => {});
      });
    });
  });
  return { bytes, units, scratchBytes: 0, algorithm: `assemble_rows_of_${columns}` };
};

/** Tells whether the part takes all of axis `axis`. */
function takesAxis({ input, placement }: Part, shape: Shape, axis: number): boolean {
  return placement.start[axis] === 0 && placement.step[axis] === 1 && input.shape[axis] === shape[axis];
}

function covers(part: Part, shape: Shape, axes: number): boolean {
  return shape.every((_, axis) => axis < axes || takesAxis(part, shape, axis));
}

/** How many axes number the rows: all but the last that some part cuts and those behind it. */
function rowAxes(shape: Shape, parts: readonly Part[]): number {
  const cut = shape.map((_, axis) => parts.some((part) => !takesAxis(part, shape, axis)));
  const last = cut.lastIndexOf(true);
  if (last < 0) return Math.max(0, shape.length - 1);
  return sizeOf(shape.slice(last + 1)) >= wholeBlock ? last + 1 : last;
}

/** A row of the output, at `out`, and where the part begins that is placed into it. */
interface RowOfOutput {
  readonly pointer: I32;
  readonly out: I32;
  readonly shape: Shape;
  readonly axes: number;
  readonly position: readonly I32[];
}

/** Copies what the part has for one row, if it meets the row at all; then emits `after`. */
function placeInRow(
  f: FunctionBuilder,
  { input, placement: { start, step } }: Part,
  { pointer, out, shape, axes, position }: RowOfOutput,
  after: () => void,
): void {
  const { dtype } = input;
  const size = bytesOf[dtype];
  let source: I32 = pointer;
  let meets: I32 = i32.const(1);
  const both = (a: I32, b: I32) => (a.constant === 1 ? b : i32.and(a, b));
  for (let axis = 0; axis < axes; axis++) {
    const [first, by, extent] = [start[axis]!, step[axis]!, input.shape[axis]!];
    const relative = first === 0 ? position[axis]! : f.let(i32.sub(position[axis]!, first));
    const index = by === 1 ? relative : f.let(i32.divU(relative, i32.const(by)));
    source = i32.add(source, i32.mul(index, input.strides[axis]! * size));
    // what lies before the start is a huge number without its sign
    if (first !== 0 || by * extent < shape[axis]!) meets = both(meets, i32.ltU(index, i32.const(extent)));
    if (by !== 1) meets = both(meets, i32.eq(i32.mul(index, by), relative));
  }
  f.if(meets, () => {
    const strides = rowMajorStrides(shape);
    const behind = shape.map((_, axis) => axis).slice(axes);
    const merged = collapseAxes(input.shape.slice(axes), [
      behind.map((axis) => input.strides[axis]! * size),
      behind.map((axis) => strides[axis]! * step[axis]! * size),
    ]);
    const offset = behind.reduce((sum, axis) => sum + strides[axis]! * start[axis]! * size, 0);
    const at = { destination: f.let(i32.add(out, offset)), source: f.let(source) };
    copyBlock(f, at, size, merged);
    after();
  });
}

/** Copies elements of `size` bytes. Strides in bytes, of the source and of the destination. */
function copyBlock(
  f: FunctionBuilder,
  { destination, source }: { destination: I32; source: I32 },
  size: number,
  { shape, strides: [from, to] }: { shape: Shape; strides: readonly (readonly number[])[] },
): void {
  const extent = shape[0]!;
  if (shape.length === 1 && from![0] === size && to![0] === size) {
    copyRun(f, destination, source, extent * size);
    return;
  }
  f.loop(0, extent, 1, (i) => {
    const read = f.let(i32.add(source, i32.mul(i, from![0]!)));
    const write = f.let(i32.add(destination, i32.mul(i, to![0]!)));
    if (shape.length > 1) {
      const inner = { shape: shape.slice(1), strides: [from!.slice(1), to!.slice(1)] };
      copyBlock(f, { destination: write, source: read }, size, inner);
    } else if (size === 1) f.store8(write, i32.load8U(read));
    else f.store(write, i32.load(read));
  });
}

/** Calls `visit` for consecutive pieces of 16, 4 and 1 bytes; `at` and `constant` add up to the offset. */
function forEachPiece(
  f: FunctionBuilder,
  bytes: number,
  visit: (width: 16 | 4 | 1, at: I32, constant: number) => void,
): void {
  const vectors = bytes - (bytes % 16);
  f.loop(0, vectors, 16, (at) => visit(16, at, 0));
  for (let at = vectors; at < bytes; ) {
    const width = bytes - at >= 4 ? 4 : 1;
    visit(width, i32.const(0), at);
    at += width;
  }
}

function copyRun(f: FunctionBuilder, destination: I32, source: I32, bytes: number): void {
  if (bytes > longRun) {
    f.copy(destination, source, bytes);
    return;
  }
  forEachPiece(f, bytes, (width, at, constant) => {
    const [to, from] = [i32.add(destination, at), i32.add(source, at)];
    if (width === 16) f.store(to, v128.load(from, constant), constant);
    else if (width === 4) f.store(to, i32.load(from, constant), constant);
    else f.store8(to, i32.load8U(from, constant), constant);
  });
}

/** A vector of one value, and whether all its bits are 0. */
function patternOf(dtype: Dtype, fill: number): { vector: V128; zero: boolean } {
  const zero = Object.is(fill, 0);
  if (dtype === 'float32') return { vector: f32x4.const(fill), zero };
  return { vector: dtype === 'int32' ? i32x4.const(fill) : i8x16.splat(i32.const(fill & 0xff)), zero };
}

function fillRun(
  f: FunctionBuilder,
  out: I32,
  { vector, zero }: ReturnType<typeof patternOf>,
  bytes: number,
): void {
  if (bytes > longRun && zero) {
    f.fill(out, 0, bytes);
    return;
  }
  const pattern = f.let(vector);
  forEachPiece(f, bytes, (width, at, constant) => {
    const to = i32.add(out, at);
    if (width === 16) f.store(to, pattern, constant);
    else f.storeLane(to, pattern, { lane: 0, bits: width === 4 ? 32 : 8, offset: constant });
  });
}

/**
 * A convolution of few terms before a pool of 2x2, as a first one on gray images: window by window of the pool. Its four
 * results are summed side by side and pooled where they are, in registers. Windows whose pixels are all 0 have the same
 * results: one of them is computed, as long as the filter is finite, and copied to the others. The sums are those of
 * direct.ts, term by term in the same order; 0 · w adds nothing to a sum of +0.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  f32x4,
  type I32,
  i32,
  i32x4,
  type Local,
  ModuleBuilder,
  type V128,
  v128,
} from '../../src/writers/wasm/assembler.js';
import type { WasmCode, WasmOptions } from '../toolkit/wasm/kernel.js';
import { type Panel, Panels } from '../toolkit/wasm/tileGrid.js';
import { minimum, Scratch } from '../toolkit/wasm/units.js';
import { type Correlation, correlationCode } from './correlation.js';
import { packFilter } from './direct.js';
import type { Frame } from './frame.js';

/** The most terms of a sum: they are written out. */
const mostTerms = 25;

/** Windows of 2x2 of a pool over the windows of a convolution. */
export interface PoolWindows {
  readonly frame: Frame;
  /** Of a window of the convolution, in pixels, and the steps between these. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Windows of the pool down and to the right, and the steps between these. */
  readonly pooled: readonly [number, number];
  readonly poolStrides: readonly [number, number];
  /** Elements from one to the next in what is pooled. */
  readonly outputs: number;
}

/** Bytes from a window of the convolution to the next, down and to the right. */
export function stepsOf({ frame, strides }: PoolWindows): readonly [number, number] {
  return [strides[0] * frame.lineBytes, 4 * strides[1] * frame.channels];
}

/** Bytes of an entry of a list, and in front of the two, where they end. */
const entryBytes = 8;
const listsHeader = 16;

export function listsBytes({ pooled: [height, width] }: PoolWindows): number {
  return listsHeader + 2 * entryBytes * height * width;
}

/** The lists: of windows whose pixels are not all 0, and of the others. */
type ListName = 'some' | 'others';

function listAt({ pooled: [height, width] }: PoolWindows, lists: I32, name: ListName): I32 {
  return i32.add(lists, listsHeader + (name === 'some' ? 0 : entryBytes * height * width));
}

const listEnd = (lists: I32, name: ListName) => i32.load(lists, name === 'some' ? 0 : 4);

/** Visits the entries of a list, or those behind the first: the number of an element, and its window's address. */
export function eachEntry(
  f: FunctionBuilder,
  windows: PoolWindows,
  { lists, name, from = 0 }: { lists: I32; name: ListName; from?: 0 | 1 },
  visit: (element: Local<'i32'>, window: () => I32) => void,
): void {
  const entry = f.let(i32.add(listAt(windows, lists, name), from * entryBytes));
  const end = f.let(listEnd(lists, name));
  f.block(() =>
    f.while(i32.ltU(entry, end), () => {
      visit(f.let(i32.load(entry)), () => f.let(i32.load(entry, 4)));
      f.increase(entry, entryBytes);
    }),
  );
}

/** Lanes of all bits where a float32 is infinite or no number. */
export function isNotFinite(value: V128): V128 {
  return f32x4.ne(f32x4.mul(value, 0), 0);
}

/**
 * A function (frame, lists, from, to) that lists the windows of the pool. None is among the others where a float32 between
 * two addresses, in whole vectors, is not finite.
 *
 * @param repeats the first of the others is listed behind the rest too
 */
export function listWindows(module: ModuleBuilder, windows: PoolWindows, repeats: boolean): FunctionHandle {
  const { frame, window, strides, pooled, poolStrides, outputs } = windows;
  const [down, right] = stepsOf(windows);
  const lines = strides[0] + window[0];
  const floats = (strides[1] + window[1]) * frame.channels;
  return module.once('list', ['frame', 'lists', 'from', 'to'], (f, p) => {
    const notFinite = f.let(i32x4.const(0));
    f.while(i32.ltU(p.from, p.to), () => {
      f.set(notFinite, v128.or(notFinite, isNotFinite(v128.load(p.from))));
      f.increase(p.from, 16);
    });
    const all = f.let(i32x4.bitmask(notFinite));
    const element = f.let(i32.const(0));
    const some = f.let(listAt(windows, p.lists, 'some'));
    const others = f.let(listAt(windows, p.lists, 'others'));
    f.loop(0, pooled[0], 1, (row) => {
      const at = f.let(i32.add(p.frame, i32.mul(row, poolStrides[0] * down)));
      f.loop(0, pooled[1], 1, () => {
        let any: V128 | undefined;
        for (let line = 0; line < lines; line++) {
          for (let first = 0; first < floats; first += 4) {
            const pixels = v128.loadLanes(
              at,
              Math.min(4, floats - first),
              line * frame.lineBytes + 4 * first,
            );
            any = any === undefined ? pixels : v128.or(any, pixels);
          }
        }
        // −0 counts as another number; the next entry overwrites one that does not count
        const isSome = f.let(i32.ne(i32.or(i32x4.bitmask(i32x4.ne(any!, 0)), all), 0));
        for (const [list, counts] of [
          [some, isSome],
          [others, i32.eqz(isSome)],
        ] as const) {
          f.store(list, element);
          f.store(list, at, 4);
          f.increase(list, i32.mul(counts, entryBytes));
        }
        f.increase(at, poolStrides[1] * right);
        f.increase(element, outputs);
      });
    });
    f.store(p.lists, others, 4);
    if (repeats) {
      const first = f.let(listAt(windows, p.lists, 'others'));
      f.if(i32.gtU(others, first), () => {
        for (const word of [0, 4]) f.store(some, i32.load(first, word), word);
        f.increase(some, entryBytes);
      });
    }
    f.store(p.lists, some);
  });
}

/** Tells whether a correlation is computed this way: in WebAssembly. Tiles of wider vectors are faster. */
export function usesPooledWindows(
  { frame, window, results }: Correlation,
  { machine }: WasmOptions,
): boolean {
  const terms = window[0] * window[1] * frame.channels;
  return machine === undefined && results.pooled && results.sameForPixels && terms > 0 && terms <= mostTerms;
}

export function pooledWindowsCode(correlation: Correlation, options: WasmOptions): WasmCode {
  const { name, frame, window, strides, filter, results } = correlation;
  const [height, width] = results.stored;
  const outputs = results.output[2];
  const windows = { frame, window, strides, pooled: results.stored, poolStrides: [2, 2], outputs } as const;
  const module = new ModuleBuilder(options);
  const panels = new Panels(outputs, options);
  const terms = window[0] * window[1] * frame.channels;
  const panelBytes = 4 * terms * panels.full.width;
  const filterBytes = terms * panels.rowBytes;
  const scratch = new Scratch({ frame: frame.bytes, filter: filterBytes, lists: listsBytes(windows) });
  return correlationCode(module, correlation, {
    ...{ frame, panels, scratch, panelBytes },
    notes: [`${name} direct by windows of the pool`],
    pack: (panel) => packFilter(module, filter, panel),
    writeImages(f, p, { image, open, at, packedAt, some }) {
      const end = f.keep(i32.add(at.filter, filterBytes));
      const [from, to] = some ? [packedAt(some.from), minimum(packedAt(some.to), end)] : [at.filter, end];
      f.call(listWindows(module, windows, true), open(image), at.lists, from, to);
      const element = f.let(i32.mul(image, height * width * outputs));
      const names = results.names.map((name) => p[name]!);
      const write = (panel: Panel, index: I32) => {
        const first = i32.mul(index, panels.full.width);
        f.call(
          panelOf(module, correlation, windows, panel),
          at.lists,
          packedAt(index),
          element,
          first,
          ...names,
        );
      };
      panels.forEach(f, write, some);
    },
  });
}

/** A function (lists, panel, element, first, pointers of the results…) that writes an image's results of a panel. */
function panelOf(
  module: ModuleBuilder,
  correlation: Correlation,
  windows: PoolWindows,
  panel: Panel,
): FunctionHandle {
  const { frame, results } = correlation;
  const [lines, columns] = correlation.window;
  const run = columns * frame.channels;
  const offsets = Array.from(
    { length: lines * run },
    (_, term) => Math.floor(term / run) * frame.lineBytes + 4 * (term % run),
  );
  const [down, across] = stepsOf(windows);
  const places = [0, across, down, down + across];
  const names = ['lists', 'panel', 'element', 'first', ...results.names] as const;
  return module.once(`windows_${panel.columns}`, names, (f, p) => {
    const finish = results.beginFinish(f, p);
    const pool = results.beginPool(f, p);
    const column = f.let(i32.mul(p.first, 4));
    const base = f.let(i32.add(p.element, p.first));
    const positionAt = (element: I32) => {
      const bytes = f.let(i32.mul(i32.add(base, element), 4));
      return (v: number) => panel.position(v, bytes, column);
    };
    const left = f.local('v128');
    const right = panel.vectors.map(() => f.local('v128'));
    eachEntry(f, windows, { lists: p.lists, name: 'some' }, (element, windowAt) => {
      const window = windowAt();
      const sums = places.map(() => panel.vectors.map(() => f.let(f32x4.const(0))));
      f.block(() => {
        for (const [term, offset] of offsets.entries()) {
          for (const { v, at } of panel.vectors)
            f.set(right[v]!, v128.load(p.panel, 4 * term * panel.width + at));
          for (const [r, row] of sums.entries()) {
            f.set(left, v128.load32Splat(window, offset + places[r]!));
            for (const [v, sum] of row.entries()) f.set(sum, f.multiplyAdd(left, right[v]!, sum));
          }
          f.fence(window);
        }
      });
      const position = positionAt(element);
      for (const { v } of panel.vectors) {
        const pixels = sums.map((row) => f.let(finish(row[v]!, position(v))));
        pool(pixels, position(v));
      }
    });
    const first = f.let(listAt(windows, p.lists, 'others'));
    f.if(i32.ltU(first, listEnd(p.lists, 'others')), () => {
      const from = positionAt(i32.load(first));
      const copies = panel.vectors.map(({ v }) => results.copying(f, p, from(v)));
      eachEntry(f, windows, { lists: p.lists, name: 'others', from: 1 }, (element) => {
        const to = positionAt(element);
        for (const [v, copy] of copies.entries()) copy(to(v));
      });
    });
  });
}

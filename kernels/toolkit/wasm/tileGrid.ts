/**
 * Products of matrices in tiles: the rows of the result are cut into tiles of nearly equal height, its columns into panels
 * of two vectors. Every product in disguise (matmul, convolutions, Winograd, gradients of filters) walks a `TileGrid`; it
 * says itself how both sides are packed, what a tile does and where it is stored.
 */
import {
  type FunctionBuilder,
  type FunctionHandle,
  type I32,
  i32,
  type Local,
  type ModuleBuilder,
  vectorLanes,
} from '../../../src/writers/wasm/assembler.js';
import type { EpiloguePosition } from './epilogue.js';
import { type TileSize, tallestTile } from './gemm.js';
import type { WasmOptions } from './kernel.js';
import { eitherOf, minimum } from './units.js';

/** A half-open range that is known at run time. */
export interface Bounds {
  readonly from: I32;
  readonly to: I32;
}

/** Things cut into the fewest groups of at most `largest`, whose sizes differ by one at most. */
export class Cut {
  readonly groups: number;
  /** Of the first `tall` groups; the others have one less. */
  readonly size: number;
  readonly tall: number;

  constructor(
    readonly count: number,
    largest: number,
  ) {
    this.groups = Math.ceil(count / largest);
    this.size = this.groups === 0 ? 0 : Math.ceil(count / this.groups);
    this.tall = count - this.groups * (this.size - 1);
  }

  /** The first thing in a group: as if all had one less than the tall ones, and what these have more. */
  first(group: I32): I32 {
    if (this.tall === this.groups) return i32.mul(group, this.size);
    return i32.add(i32.mul(group, this.size - 1), minimum(group, i32.const(this.tall)));
  }

  /** Visits all groups: first those of one size, then those of the other. */
  forEach(f: FunctionBuilder, visit: (size: number, first: I32) => void): void {
    const { groups, size, tall } = this;
    f.loop(0, tall, 1, (group) => visit(size, f.let(i32.mul(group, size))));
    f.loop(0, groups - tall, 1, (group) =>
      visit(size - 1, f.let(i32.add(i32.mul(group, size - 1), tall * size))),
    );
  }

  /** Visits one group, whose number is known at run time. */
  pick(f: FunctionBuilder, group: I32, visit: (size: number, first: I32) => void): void {
    const first = f.let(this.first(group));
    const split = { index: group, count: this.tall, total: this.groups };
    eitherOf(f, split, (isTall) => visit(isTall ? this.size : this.size - 1, first));
  }
}

/** A kind of panel: its columns, in as few vectors as hold them. Zeros fill the last one. */
export class Panel {
  /** Columns with the zeros. */
  readonly width: number;
  /** The vectors: which, at how many bytes from the first, and how many of its lanes are columns. */
  readonly vectors: readonly { readonly v: number; readonly at: number; readonly lanes: number }[];

  constructor(
    readonly columns: number,
    lanes: number,
  ) {
    const count = Math.ceil(columns / lanes);
    this.width = count * lanes;
    this.vectors = Array.from({ length: count }, (_, v) => ({
      ...{ v, at: 4 * lanes * v },
      lanes: Math.min(lanes, columns - lanes * v),
    }));
  }

  /**
   * Where vector v of a row of results stands in the output: `element` and `column` are byte offsets of the panel's first
   * column as EpiloguePosition has them, `further` the elements from there to the row.
   */
  position(v: number, element: I32, column: I32, further = 0): EpiloguePosition {
    const { at, lanes } = this.vectors[v]!;
    return {
      element: { base: element, constant: 4 * further + at },
      column: { base: column, constant: at },
      lanes,
    };
  }
}

/**
 * Visits the vectors of a panel, with addresses that belong to the first, `steps` bytes (default: those of a vector) before those
 * of the next: in a loop where all are whole, which is less code than one after another.
 */
export function eachVector<A extends readonly I32[]>(
  f: FunctionBuilder,
  { vectors }: Panel,
  { at, steps }: { readonly at: readonly [...A]; readonly steps?: readonly number[] },
  visit: (v: number, at: readonly [...A]) => void,
): void {
  if (vectors.length === 1 || vectors.some(({ lanes }) => lanes < f.lanes)) {
    for (const { v } of vectors) visit(v, at);
    return;
  }
  f.loop(0, vectors.length, 1, (index) => {
    const place = (address: I32, i: number) =>
      f.let(i32.add(address, i32.mul(index, steps?.[i] ?? 4 * f.lanes)));
    visit(0, at.map(place) as unknown as readonly [...A]);
  });
}

/** Columns cut into panels of two vectors (or one), and a last one of what is left. */
export class Panels {
  readonly full: Panel;
  readonly rest: Panel | undefined;
  /** How many are full, and how many there are. */
  readonly fullCount: number;
  readonly count: number;

  constructor(columns: number, options: Pick<WasmOptions, 'simd' | 'machine' | 'panelVectors'>) {
    const lanes = vectorLanes(options);
    this.full = new Panel((options.panelVectors ?? 2) * lanes, lanes);
    const rest = columns % this.full.columns;
    this.rest = rest > 0 ? new Panel(rest, lanes) : undefined;
    this.fullCount = (columns - rest) / this.full.columns;
    this.count = this.fullCount + (rest > 0 ? 1 : 0);
  }

  /** Bytes of a row of all panels together: of B packed, for each of its rows. */
  get rowBytes(): number {
    return 4 * (this.fullCount * this.full.width + (this.rest?.width ?? 0));
  }

  /** Visits panels with their numbers: all, or some. */
  forEach(f: FunctionBuilder, visit: (panel: Panel, index: I32) => void, some?: Bounds): void {
    const { full, rest, fullCount } = this;
    const end = i32.const(fullCount);
    const { from, to } = some ?? { from: i32.const(0), to: i32.const(this.count) };
    if (fullCount > 0) f.loop(from, minimum(to, end), 1, (index) => visit(full, index));
    if (rest === undefined) return;
    if (some === undefined) visit(rest, end);
    else f.if(i32.gtU(to, end), () => visit(rest, end));
  }

  /** Visits one panel, whose number is known at run time. */
  pick(f: FunctionBuilder, index: I32, visit: (panel: Panel) => void): void {
    const split = { index, count: this.fullCount, total: this.count };
    eitherOf(f, split, (isFull) => visit(isFull ? this.full : this.rest!));
  }
}

/** Panels in groups of nearly equal size: what rows with a list of their terms are cut into. */
export class PanelGroups {
  readonly cut: Cut;

  constructor(
    private readonly panels: Panels,
    largest: number,
  ) {
    this.cut = new Cut(panels.count, largest);
  }

  /** The panels of some groups. */
  panelsOf(f: FunctionBuilder, { from, to }: Bounds): Bounds {
    return { from: f.keep(this.cut.first(from)), to: f.keep(this.cut.first(to)) };
  }

  /** Visits some groups: the panels side by side as one, and the number of the first of them. */
  forEach(f: FunctionBuilder, { from, to }: Bounds, visit: (group: Panel, first: I32) => void): void {
    const { full, rest } = this.panels;
    const { groups } = this.cut;
    const lanes = full.vectors[0]!.lanes;
    const wide = (count: number, columns = 0) => new Panel(count * full.columns + columns, lanes);
    const whole = rest === undefined ? groups : groups - 1;
    const last = i32.const(whole);
    f.loop(from, minimum(to, last), 1, (index) =>
      this.cut.pick(f, index, (size, first) => visit(wide(size), first)),
    );
    if (rest === undefined) return;
    const size = this.cut.tall === groups ? this.cut.size : this.cut.size - 1;
    const write = () => visit(wide(size - 1, rest.columns), f.let(this.cut.first(last)));
    f.if(i32.gtU(to, last), write);
  }
}

/** The work of a tile. Its function is written once for each size; `size` goes to `emitGemmTile`. */
export interface TileWork<N extends string> {
  readonly name: string;
  /** The parameters of the function, all i32. */
  readonly parameters: readonly N[];
  write(f: FunctionBuilder, p: Readonly<Record<N, Local<'i32'>>>, panel: Panel, size: TileSize): void;
}

/** All tiles of a result. Being called often, their functions are soon replaced by their optimized code. */
export class TileGrid<N extends string> {
  readonly tiles: Cut;
  readonly panels: Panels;
  /** Of the largest tile, for reports: `6x8`. */
  readonly label: string;

  constructor(
    private readonly module: ModuleBuilder,
    size: { readonly rows: number; readonly columns: number },
    private readonly options: Omit<WasmOptions, 'shared'>,
    private readonly work: TileWork<N>,
  ) {
    this.tiles = new Cut(size.rows, tallestTile(options));
    this.panels = new Panels(size.columns, options);
    this.label = `${this.tiles.size}x${this.panels.full.width}`;
  }

  /** The function of a size of tile. */
  tile(rows: number, panel: Panel): FunctionHandle {
    const { name, parameters, write } = this.work;
    const size = { rows, columns: panel.width, wide: this.options.wide };
    return this.module.once(`${name}_${rows}x${panel.columns}`, parameters, (f, p) =>
      write(f, p, panel, size),
    );
  }

  /** Calls the tiles of a panel from top to bottom. From a row to the next, arguments gain what `steps` says. */
  call(
    f: FunctionBuilder,
    panel: Panel,
    values: Readonly<Record<N, I32>>,
    steps: { readonly [K in N]?: number },
  ): void {
    this.tiles.forEach(f, (rows, row) => {
      const at = (name: N) => i32.add(values[name], i32.mul(row, steps[name] ?? 0));
      f.call(this.tile(rows, panel), ...this.work.parameters.map(at));
    });
  }

  /** A function (parameters…) that does so. */
  all(name: string, panel: Panel, steps: { readonly [K in N]?: number }): FunctionHandle {
    return this.module.once(`${name}x${panel.columns}`, this.work.parameters, (f, p) =>
      this.call(f, panel, p, steps),
    );
  }
}

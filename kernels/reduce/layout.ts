/** How a reduction is walked: which axes are merged, and which of them the four lanes lie along. */
import { at } from '../../src/core/lists.js';
import { rowMajorStrides, type Shape } from '../../src/core/shape.js';
import { collapseAxes } from '../../src/core/view.js';
import type { Layout } from '../contract.js';

/** The strides of one source, in elements, over the merged axes. */
export interface Walk {
  /** Over the kept axes but the last, and along the last. */
  readonly rows: readonly number[];
  readonly column: number;
  /** Over the reduced axes but the last, and along the last. */
  readonly outer: readonly number[];
  readonly step: number;
}

export interface ReduceLayout {
  /** The merged kept axes but the last; the last one. The output is [rows…, columns], row-major. */
  readonly rows: Shape;
  readonly columns: number;
  /** The merged reduced axes but the last; the last one. */
  readonly outer: Shape;
  readonly length: number;
  /** One per source, then that of the row-major index over the sources' shape. */
  readonly walks: readonly Walk[];
  readonly lanes: 'kept' | 'reduced';
}

/**
 * @param sources without the operands of the epilogue; all of one shape
 * @param wholeRows the last kept axis must stay what it is, because the epilogue reads vectors along it
 */
export function layOutReduction(
  sources: readonly Layout[],
  axes: readonly number[],
  wholeRows: boolean,
): ReduceLayout {
  const { shape } = at(sources, 0);
  const strides = [...sources.map((source) => source.strides), rowMajorStrides(shape)];
  const keptAxes = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const merge = (chosen: readonly number[]) =>
    collapseAxes(
      chosen.map((axis) => at(shape, axis)),
      strides.map((list) => chosen.map((axis) => at(list, axis))),
    );
  const reduced = merge(axes);
  let kept = merge(keptAxes);
  if (wholeRows && keptAxes.length > 0) {
    const [rows, last] = [merge(keptAxes.slice(0, -1)), merge(keptAxes.slice(-1))];
    kept = {
      shape: [...rows.shape, ...last.shape],
      strides: rows.strides.map((list, i) => [...list, ...at(last.strides, i)]),
    };
  }
  const walks = strides.map((_, i) => ({
    rows: at(kept.strides, i).slice(0, -1),
    column: at(kept.strides, i).at(-1)!,
    outer: at(reduced.strides, i).slice(0, -1),
    step: at(reduced.strides, i).at(-1)!,
  }));
  const layout = {
    rows: kept.shape.slice(0, -1),
    columns: kept.shape.at(-1)!,
    outer: reduced.shape.slice(0, -1),
    length: reduced.shape.at(-1)!,
    walks,
  };
  return { ...layout, lanes: chooseLanes(layout, walks.slice(0, -1)) };
}

/** Along the axis where more sources can be read as whole vectors; if that tells nothing, along the kept one. */
function chooseLanes(
  { columns, outer, length }: Omit<ReduceLayout, 'lanes'>,
  walks: readonly Walk[],
): 'kept' | 'reduced' {
  if (length === 1 && outer.length === 0) return 'kept';
  if (columns === 1) return 'reduced';
  const scattered = (stride: (walk: Walk) => number) =>
    walks.filter((walk) => stride(walk) !== 0 && stride(walk) !== 1).length;
  const difference = scattered((walk) => walk.column) - scattered((walk) => walk.step);
  if (difference === 0) return columns >= 4 ? 'kept' : 'reduced';
  return difference < 0 ? 'kept' : 'reduced';
}

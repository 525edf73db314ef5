/** Walks over the panels of 8 columns that a packed filter is cut into; see shared/packing.ts. */
import { type FunctionBuilder, type I32, i32 } from '../../src/writers/wasm/assembler.js';
import { panelColumns } from '../toolkit/wasm/gemm.js';
import { cutPanels } from '../toolkit/wasm/packing.js';

/** What is made once for panels of 8 columns and once for the rest; undefined where there is no such panel. */
export interface PanelKinds<P> {
  readonly full: P | undefined;
  readonly rest: P | undefined;
}

export function makePanels<P>(outputs: number, make: (columns: number, width: 4 | 8) => P): PanelKinds<P> {
  const { full, rest, restWidth } = cutPanels(outputs);
  return {
    full: full > 0 ? make(panelColumns, panelColumns) : undefined,
    rest: rest > 0 ? make(rest, restWidth) : undefined,
  };
}

/** Visits the panels: `first` is a panel's first output, `at` the address of its `bytes` bytes in the packed filter. */
export function forEachPanel<P>(
  f: FunctionBuilder,
  outputs: number,
  { full, rest }: PanelKinds<P>,
  { packed, bytes }: { packed: I32; bytes: number },
  visit: (panel: P, first: I32, at: I32) => void,
): void {
  const count = cutPanels(outputs).full;
  if (full !== undefined) {
    f.loop(0, count, 1, (index) => {
      visit(full, f.let(i32.mul(index, panelColumns)), f.let(i32.add(packed, i32.mul(index, bytes))));
    });
  }
  if (rest !== undefined) {
    visit(rest, i32.const(count * panelColumns), f.let(i32.add(packed, count * bytes)));
  }
}

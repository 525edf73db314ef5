import { wrongKind } from '../core/check.js';
import { at, last } from '../core/lists.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import { input } from '../tensor/leaves.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';
import type { Application, Model } from './model.js';
import { checkModel } from './model.js';

/** One layer of a model: those without parts, and those that hold or compute something beside their parts. */
export interface LayerSummary {
  /** Such as `layers.2`; '' where the model is a single layer. */
  readonly path: string;
  readonly kind: string;
  /** Of one example, without the batch. */
  readonly outputShape: Shape;
  /** Trainable numbers. */
  readonly parameters: number;
  /** Numbers that are not trained: running statistics. */
  readonly states: number;
  /** Multiply-adds of matrix products and convolutions for one example, forward. */
  readonly multiplyAdds: number;
}

export interface Summary {
  readonly inputShape: Shape;
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly states: number;
  readonly multiplyAdds: number;
}

/** Multiply-adds of the ops that have any: outputs times what is summed for each. */
export const multiplyAddsOf: Readonly<Record<string, (node: Tensor) => number>> = {
  matmul: (node) => node.size * last(at(node.inputs, 0).shape),
  conv2d: (node) => node.size * sizeOf(at(node.inputs, 1).shape.slice(0, 3)),
  // inputs: the value, the images, the filter
  depthwiseConv2d: (node) => node.size * sizeOf(at(node.inputs, 2).shape.slice(0, 2)),
};

/** Multiply-adds of the nodes that a layer has made: those that its output needs and that are younger than its input. */
function multiplyAdds({ input: from, output }: Application): number {
  const seen = new Set<Tensor>();
  const stack = [output];
  let total = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node) || node.id <= from.id) continue;
    seen.add(node);
    total += multiplyAddsOf[node.op.name]?.(node) ?? 0;
    stack.push(...node.inputs);
  }
  return total;
}

const count = (leaves: readonly Leaf[]) => leaves.reduce((sum, { size }) => sum + size, 0);

/** Lists what the layers of a model give, hold and cost, for one example. */
export function summarize(model: Model): Summary {
  checkModel('summarize: model', model);
  const rows = new Map<string, LayerSummary>();
  const leavesAt = (leaves: readonly Leaf[], path: string) =>
    leaves.filter(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf('.'))) === path);
  // applications that no whole has claimed yet: parts come before it
  const pending: { readonly path: string; readonly work: number }[] = [];
  const observe = (application: Application) => {
    const { path, layer, output } = application;
    const work = multiplyAdds(application);
    const prefix = path === '' ? '' : `${path}.`;
    let ofParts = 0;
    while (pending.at(-1)?.path.startsWith(prefix)) ofParts += pending.pop()!.work;
    pending.push({ path, work });
    const row = {
      path,
      kind: layer.kind,
      outputShape: output.shape.slice(1),
      parameters: count(leavesAt(model.parameters, path)),
      states: count(leavesAt(model.states, path)),
      // a layer that is applied twice works twice
      multiplyAdds: work - ofParts + (rows.get(path)?.multiplyAdds ?? 0),
    };
    const simple = Object.keys(layer.parts).length === 0;
    if (simple || row.parameters + row.states + row.multiplyAdds > 0) rows.set(path, row);
  };
  model.apply(input('input', [1, ...model.inputShape]), { observe });
  const layers = [...rows.values()];
  return {
    inputShape: model.inputShape,
    layers,
    parameters: count(model.parameters),
    states: count(model.states),
    multiplyAdds: layers.reduce((sum, row) => sum + row.multiplyAdds, 0),
  };
}

const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** The summary as plain text: a line per layer, columns aligned, totals below. */
export function summaryTable(summary: Summary): string {
  if (!Array.isArray(summary?.layers)) {
    throw wrongKind('summaryTable: summary', 'a summary', summary, 'summarize(model) makes one.');
  }
  const header = ['layer', 'kind', 'output', 'parameters', 'multiply-adds'];
  const body = summary.layers.map(({ path, kind, outputShape, parameters, multiplyAdds: work }) => [
    path === '' ? 'model' : path,
    kind,
    formatShape(outputShape),
    grouped(parameters),
    grouped(work),
  ]);
  const totals = ['total', '', '', grouped(summary.parameters), grouped(summary.multiplyAdds)];
  const input = ['input', '', formatShape(summary.inputShape), '', ''];
  const lines = [header, input, ...body, totals];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => at(line, column).length)));
  const print = (line: readonly string[]) =>
    line
      .map((cell, i) => (i < 3 ? cell.padEnd(at(widths, i)) : cell.padStart(at(widths, i))))
      .join('  ')
      .trimEnd();
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const states = summary.states === 0 ? [] : [`and ${grouped(summary.states)} numbers that are not trained`];
  return [print(header), rule, ...lines.slice(1, -1).map(print), rule, print(totals), ...states].join('\n');
}

/** Layers with the ops that they are made of. */
import type { InsideView, OpView, Part } from '../../browser.js';
import { grouped, h } from '../page/dom.js';

const parts: readonly Part[] = ['forward', 'gradient', 'update'];
const shapeOf = ({ shape }: OpView) => `[${shape.join(', ')}]`;

/** What is said of an op. */
function described(
  op: OpView,
  byId: ReadonlyMap<number, OpView>,
  users: ReadonlyMap<number, number>,
): string {
  const inputs = op.inputs.map((id) => {
    const input = byId.get(id);
    return input === undefined ? '?' : `${input.name ?? input.op} ${shapeOf(input)}`;
  });
  const reads = inputs.length === 0 ? '' : ` of ${inputs.join(' and ')}`;
  const rule = op.rule === undefined ? '' : `; made by the gradient rule of ${op.rule}`;
  return `${op.name ?? op.op} ${shapeOf(op)}${reads}; read by ${users.get(op.id) ?? 0}${rule}`;
}

/** Ops by their layers: the images first, then the layers as they follow each other, the loss, the optimizer. */
function grouping(ops: readonly OpView[]): Map<string, OpView[]> {
  const first = new Map<string, number>();
  for (const { layer, id, inputs } of ops) if (inputs.length > 0 && !first.has(layer)) first.set(layer, id);
  const last = (layer: string) =>
    layer === 'optimizer' ? Number.POSITIVE_INFINITY : (first.get(layer) ?? 0);
  const layers = [...new Set(ops.map(({ layer }) => layer))].sort((a, b) => last(a) - last(b));
  // numbers that ops are built with are in what is said of them
  const own = (wanted: string) => ops.filter(({ layer, op }) => layer === wanted && op !== 'constant');
  return new Map(layers.map((layer) => [layer, own(layer)]));
}

/** Ops in a row of a table are a lot for an optimizer of many matrices: the rest is counted. */
const mostShown = 160;

export function layersPart({ ops, summary }: InsideView): HTMLElement {
  const byId = new Map(ops.map((op) => [op.id, op]));
  const users = new Map<number, number>();
  for (const { inputs } of ops) for (const id of inputs) users.set(id, (users.get(id) ?? 0) + 1);
  const chips = new Map<number, HTMLElement>();
  const said = h('p', { class: 'said-op', role: 'status' }, 'Point at an op.');
  const show = (op: OpView) => {
    said.textContent = described(op, byId, users);
    for (const [id, chip] of chips) {
      chip.classList.toggle('reads', op.inputs.includes(id));
      chip.classList.toggle('used', byId.get(id)?.inputs.includes(op.id) ?? false);
      chip.classList.toggle('chosen', id === op.id);
    }
  };
  const chip = (op: OpView) => {
    const label = op.name === undefined ? op.op : (op.name.split('.').at(-1) ?? op.name);
    const button = h(
      'button',
      {
        ...{ type: 'button', class: `op ${op.part}${op.name === undefined ? '' : ' leaf'}` },
        'aria-label': `${op.part}: ${described(op, byId, users)}`,
        ...{ onfocus: () => show(op), onpointerenter: () => show(op) },
      },
      label,
    );
    chips.set(op.id, button);
    return button;
  };
  const rows = [...grouping(ops)].map(([layer, list]) => {
    const row = summary.layers.find(({ path }) => path === layer);
    const cells = parts.map((part) => {
      const own = list.filter((op) => op.part === part);
      const left = own.length - mostShown;
      return h(
        'td',
        { class: 'ops' },
        ...own.slice(0, mostShown).map(chip),
        left > 0 && h('span', {}, ` and ${left} more`),
      );
    });
    const about =
      row === undefined
        ? ''
        : `${row.kind} → ${row.outputShape.join(' × ')}, ${grouped(row.parameters)} parameters, ${grouped(row.multiplyAdds)} multiply-adds`;
    return h('tr', {}, h('th', { scope: 'row' }, layer, h('small', {}, about)), ...cells);
  });
  const head = ['layer', ...parts].map((name) => h('th', { scope: 'col' }, name));
  return h(
    'div',
    {},
    said,
    h(
      'div',
      { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'ops of each layer' },
      h('table', { class: 'graph' }, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
    ),
  );
}

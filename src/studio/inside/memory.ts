/** The arena over a step, on a canvas: plans have hundreds of values. */
import type { InsideView, SlotView } from '../../browser.js';
import { color, h } from '../page/dom.js';

const [width, height] = [1000, 320];

/** Where the box of a slot stands: left, top, width and height. */
function boxOf(
  { kernels, memory }: Pick<InsideView, 'kernels' | 'memory'>,
  { firstUse, lastUse, offset, bytes }: SlotView,
) {
  const across = width / Math.max(1, kernels.length);
  const up = height / Math.max(1, memory.peakBytes);
  const uses = Math.min(lastUse, kernels.length - 1) - firstUse + 1;
  return [firstUse * across, height - (offset + bytes) * up, uses * across, bytes * up] as const;
}

export function memoryPart(view: InsideView): HTMLElement {
  const { slots, kernels, memory } = view;
  const canvas = h('canvas', {
    ...{ width, height, class: 'memory', role: 'img', tabindex: 0 },
    'aria-label': `${slots.length} values in an arena of ${memory.peakBytes} bytes over ${kernels.length} kernels`,
  });
  const context = canvas.getContext('2d');
  const draw = (chosen?: SlotView) => {
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    context.strokeStyle = color('panel') || '#fff';
    for (const slot of slots) {
      const part = kernels[slot.firstUse]?.part ?? 'forward';
      const [x, y, w, t] = boxOf(view, slot);
      context.fillStyle =
        slot === chosen
          ? color('ink')
          : color({ forward: 'blue', gradient: 'orange', update: 'green' }[part]);
      context.fillRect(x, y, w, t);
      if (t > 2) context.strokeRect(x, y, w, t);
    }
  };
  const invitation = 'Point at a box, or go through them with the arrow keys.';
  const said = h('p', { role: 'status' }, invitation);
  const show = (found: SlotView | undefined) => {
    draw(found);
    const maker = found && kernels[found.firstUse];
    said.textContent =
      found === undefined
        ? invitation
        : `%${found.slot}: ${found.bytes.toLocaleString('en')} bytes at ${found.offset.toLocaleString('en')}, from kernel ${found.firstUse} (${maker?.label ?? ''}) to ${found.lastUse}`;
  };
  let at = -1;
  canvas.addEventListener('keydown', (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined || slots.length === 0) return;
    event.preventDefault();
    at = (Math.max(at, by > 0 ? -1 : 0) + by + slots.length) % slots.length;
    show(slots[at]);
  });
  canvas.addEventListener('pointermove', (event) => {
    const { left, top, width: wide, height: high } = canvas.getBoundingClientRect();
    const [x, y] = [((event.clientX - left) / wide) * width, ((event.clientY - top) / high) * height];
    const found = slots.find((slot) => {
      const [a, b, w, t] = boxOf(view, slot);
      return x >= a && x <= a + w && y >= b && y <= b + t;
    });
    at = found === undefined ? -1 : slots.indexOf(found);
    show(found);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw());
  requestAnimationFrame(() => draw());
  return h('div', {}, canvas, said);
}

/** Draws what there is to see of a training step. */
import type { InsideView } from '../../browser.js';
import { grouped, h } from '../page/dom.js';
import { kernelsPart } from './kernels.js';
import { layersPart } from './layers.js';
import { memoryPart } from './memory.js';
import { tinyPart } from './tiny.js';

const kilobytes = (bytes: number) =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

const part = (title: string, about: string, ...content: readonly HTMLElement[]) =>
  h('section', {}, h('h2', {}, title), h('p', { class: 'soft' }, about), ...content);

/** The colors of the parts, with their names: nobody needs to tell colors apart. */
function legend(): HTMLElement {
  const names = ['forward', 'gradient', 'update'];
  return h('p', { class: 'legend' }, ...names.map((name) => h('span', { class: `op ${name}` }, name)));
}

export function renderInside(place: HTMLElement, view: InsideView): void {
  const { title, batchSize, kernels, ops, memory, milliseconds, numerics, assembly } = view;
  const flops = kernels.reduce((sum, kernel) => sum + kernel.flops, 0);
  const made = ops.filter(({ inputs }) => inputs.length > 0).length;
  place.replaceChildren(
    h(
      'p',
      { class: 'lead' },
      `${title}: one training step on ${batchSize} images is ${grouped(made)} ops, which become ${kernels.length} kernels: ${(flops / 1e9).toFixed(2)} GFLOP in ${milliseconds.toFixed(0)} ms on one thread (${numerics}), ${kilobytes(memory.peakBytes)} of memory where ${kilobytes(memory.naiveBytes)} would be needed without reuse.`,
    ),
    legend(),
    part(
      'A step, slowly',
      'One training step of a tiny network: two images of two pixels, three units, two classes. Move the slider.',
      tinyPart(view),
    ),
    part(
      'Layers and ops',
      'What each layer is made of: forward, then the gradients that the rules of its ops make, then updates. Point at an op to see what it reads and who reads it.',
      layersPart(view),
    ),
    part(
      'Kernels',
      'The fused plan as it runs. Shares of the time were measured on this machine; shares of the peak are bytes that are alive in the arena meanwhile.',
      kernelsPart(view),
    ),
    part(
      'Memory',
      'Each box is a value: from its first to its last use across, where it lies in the arena upwards.',
      memoryPart(view),
    ),
    part(
      'WebAssembly',
      `The code of kernel ${assembly.kernel}, which takes the most time: ${grouped(assembly.bytes)} bytes.`,
      h('pre', { tabindex: 0, role: 'region', 'aria-label': 'WebAssembly text' }, assembly.text),
    ),
  );
}

/** Options of layers as exporters read them. The layers have checked them. */

import { at } from '../core/lists.js';
import type { Shape } from '../core/shape.js';
import { windowGrid } from '../tensor/ops/geometry.js';
import type { Network, NetworkNode } from './network.js';

export const numberOption = ({ options }: NetworkNode, name: string, usual = 0): number =>
  typeof options[name] === 'number' ? options[name] : usual;

export const flagOption = ({ options }: NetworkNode, name: string): boolean => options[name] === true;

export function pairOption({ options }: NetworkNode, name: string): [number, number] {
  const value = options[name];
  return Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [1, 1];
}

export interface Sides {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export function sidesOption({ options }: NetworkNode): Sides {
  const { top, bottom, left, right } = options.padding as unknown as Sides;
  return { top, bottom, left, right };
}

/** The shape of what a node is applied to, for one example. */
export function inputShapeOf(network: Network, { inputs }: NetworkNode): Shape {
  const source = inputs[0];
  return source === 'input'
    ? network.inputShape
    : (network.nodes.find(({ name }) => name === source)?.shape ?? network.inputShape);
}

/** The padding of a convolution or pool in pixels, whatever it was called. */
export function paddingOf(network: Network, node: NetworkNode): Sides {
  const { padding } = node.options;
  if (typeof padding === 'object' && padding !== null) return sidesOption(node);
  const [height, width] = inputShapeOf(network, node);
  const window = pairOption(node, node.kind.endsWith('Pool2d') ? 'window' : 'kernelSize');
  const dilation = pairOption(node, 'dilation');
  const reach = window.map((size, i) => (size - 1) * at(dilation, i) + 1) as [number, number];
  const named = padding === 'same' ? 'same' : 'valid';
  return windowGrid(node.kind, {
    image: [height!, width!],
    window: reach,
    strides: pairOption(node, 'strides'),
    padding: named,
  }).padding;
}

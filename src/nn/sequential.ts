import { checkList } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { type Layer, layer } from './layer.js';

/** Throws a UsageError unless `value` is a layer: `relu` in place of `relu()` is easily written. */
export function checkLayer(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && 'kind' in value && 'apply' in value) return;
  const called = typeof value === 'function' && value.name !== '' ? value.name : undefined;
  throw new UsageError(`${what} is not a layer, but ${called ?? (value === null ? 'null' : typeof value)}`, {
    ...(called === undefined ? {} : { hint: `Call it: ${called}().` }),
  });
}

/**
 * Layers one after another. Their paths are `layers.0`, `layers.1`, …, so a parameter is called `layers.0.kernel`.
 *
 * @throws UsageError for something that is no layer
 */
export function sequential(layers: readonly Layer[]): Layer {
  checkList(
    'sequential',
    'one list of layers',
    layers,
    'Put them in brackets: sequential([dense(3), relu()]).',
  );
  for (const [i, part] of layers.entries()) checkLayer(`sequential: layers.${i}`, part);
  const parts = layers.map((part, i) => [`layers.${i}`, part] as const);
  return layer(
    'sequential',
    {},
    (x, context) => parts.reduce((value, [name, part]) => context.apply(name, part, value), x),
    Object.fromEntries(parts),
  );
}

import { float32Of } from '../../core/dtype.js';
import { UsageError } from '../../core/errors.js';
import type { Json } from '../../nn/layer.js';
import type { CheckpointValues } from '../files/checkpoint.js';
import type { StoredTensor } from '../files/safetensors.js';
import type { Tensors } from '../files/tensors.js';
import type { FitOptions } from '../fit/options.js';
import type { Callback } from './callback.js';
import { earlyStopping } from './earlyStopping.js';
import { followPlateau } from './plateau.js';
import { saving } from './saving.js';
import { timeLimit } from './timeLimit.js';

/**
 * The callbacks of a training, in the order of their calls. What saves is last: then all others have seen the epoch.
 *
 * @throws UsageError for a callback whose state has no name, or another's
 */
export function callbacksOf(options: FitOptions): Callback[] {
  const { plateau, earlyStopping: stopping, timeLimit: seconds, checkpoint, onProgress, onEpoch } = options;
  const all = [
    ...(plateau === undefined ? [] : [followPlateau(plateau)]),
    ...(stopping === undefined ? [] : [earlyStopping(stopping)]),
    ...(seconds === undefined ? [] : [timeLimit(seconds)]),
    { ...(onProgress && { onProgress }), ...(onEpoch && { onEpoch }) },
    ...(options.callbacks ?? []),
    ...(checkpoint === undefined ? [] : [saving(checkpoint)]),
  ];
  remembering(all);
  return all;
}

type Remembering = Callback & {
  readonly [K in 'name' | 'state' | 'restore']-?: NonNullable<Callback[K]>;
};

/** The callbacks that remember something. Throws UsageError for a name that is missing or taken. */
function remembering(callbacks: readonly Callback[]): Remembering[] {
  const found = callbacks.filter((callback): callback is Remembering => callback.state !== undefined);
  const names = new Set<string>();
  for (const { name, restore } of found) {
    if (name === undefined || name === '' || name.includes('/') || names.has(name) || restore === undefined) {
      throw new UsageError(
        `callbacks: one with a state needs restore and a name of its own, without a slash: ${name}`,
      );
    }
    names.add(name);
  }
  return found;
}

const prefix = (name: string) => `callbacks/${name}/`;

/** Collects what callbacks remember, as checkpoints hold it. */
export function stateOfCallbacks(callbacks: readonly Callback[]): {
  readonly values: CheckpointValues['callbacks'];
  readonly tensors: Tensors;
} {
  const values: Record<string, Json> = {};
  const tensors = new Map<string, StoredTensor>();
  for (const callback of remembering(callbacks)) {
    const { values: own, weights = new Map<string, Float32Array>() } = callback.state();
    values[callback.name] = own;
    for (const [path, data] of weights) {
      tensors.set(`${prefix(callback.name)}${path}`, { shape: [data.length], data });
    }
  }
  return { values, tensors };
}

/** Gives callbacks what a checkpoint holds for them. */
export function restoreCallbacks(
  callbacks: readonly Callback[],
  values: CheckpointValues['callbacks'],
  tensors: Tensors,
): void {
  for (const callback of remembering(callbacks)) {
    const own = values[callback.name];
    if (own === undefined) continue;
    const start = prefix(callback.name);
    const weights = [...tensors].flatMap(([name, { data }]) =>
      name.startsWith(start) ? [[name.slice(start.length), float32Of(data)] as const] : [],
    );
    callback.restore({ values: own, weights: weights.length === 0 ? undefined : new Map(weights) });
  }
}

/** The tensors of a checkpoint that are the training's own. */
export function withoutCallbacks(tensors: Tensors): Tensors {
  return new Map([...tensors].filter(([name]) => !name.startsWith('callbacks/')));
}

import type { Engine } from '../../engine/engine.js';
import type { Leaf } from '../../tensor/tensor.js';
import { readTensors, type Tensors } from '../files/tensors.js';

/** Keeping a state takes at most this share of the time. */
const largestShare = 0.005;
const leastSeconds = 2;

const notFinite = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/**
 * The name of a weight, or of what the optimizer remembers of one, that has a value that is not a finite number; of
 * tensors as checkpoints name them. A moment that has become infinite ends the learning of a weight without a word.
 */
export function spoiledWeight(tensors: Tensors): string | undefined {
  for (const [name, { data }] of tensors) {
    const [, path] = /^(?:weights|averages|state(?=\/optimizer\.))\/(.*)$/s.exec(name) ?? [];
    if (path === undefined || !(data instanceof Float32Array)) continue;
    // found by the engine's own search: a loop of few turns would run uncompiled
    if (notFinite.some((value) => data.includes(value))) return path;
  }
  return undefined;
}

/** The last state of a training in which all weights were finite numbers: what a step that goes wrong is replayed from. */
export class LastGood {
  tensors: Tensors = new Map();
  /** Steps that were done; −1 before the first state is kept. */
  step = -1;
  rateFactor = 1;
  private keptAt = 0;
  private seconds = 0;

  constructor(
    private readonly engine: Engine,
    readonly leaves: ReadonlyMap<string, Leaf>,
  ) {}

  /** Tells when to keep another state within an epoch: a replay should not take long, nor should keeping. */
  isDue(): boolean {
    const passed = (performance.now() - this.keptAt) / 1000;
    return passed > Math.max(leastSeconds, this.seconds / largestShare);
  }

  /** Keeps the state as it is now, after `step` steps, unless it is spoiled: then gives the name of such a weight. */
  async keep(step: number, rateFactor: number): Promise<string | undefined> {
    const started = performance.now();
    const tensors = await readTensors(this.engine, this.leaves);
    const spoiled = spoiledWeight(tensors);
    if (spoiled !== undefined) return spoiled;
    this.tensors = tensors;
    this.step = step;
    this.rateFactor = rateFactor;
    this.keptAt = performance.now();
    this.seconds = (this.keptAt - started) / 1000;
    return undefined;
  }
}

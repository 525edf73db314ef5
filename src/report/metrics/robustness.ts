/** How well a model does on images that are worse than those that it was trained on. */
import { checkMembers, checkOptionNames } from '../../core/check.js';
import type { Dataset } from '../../data/dataset.js';
import { type PerturbationKind, perturb, severities } from '../../data/images/perturb.js';
import type { TrainedModel } from '../../training/files/trainedModel.js';
import type { InferenceOptions } from '../../training/inference/inference.js';
import { wilsonInterval } from '../../training/inference/interval.js';
import { logLoss, rightOnes } from './predictions.js';

/** The accuracy under one kind of change, of one severity. */
export interface Robustness {
  readonly kind: PerturbationKind;
  readonly severity: number;
  /** The severity for people: `2 px`. */
  readonly text: string;
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Wilson's 95% interval of the accuracy. */
  readonly interval: readonly [low: number, high: number];
}

const texts: Readonly<Record<PerturbationKind, (severity: number) => string>> = {
  shift: (pixels) => `${pixels} px`,
  rotation: (degrees) => `${degrees}°`,
  noise: (deviation) => `σ ${deviation} of 255`,
  blur: (deviation) => `σ ${deviation} px`,
};

/**
 * Measures a model on shifted, rotated, noisy and blurred copies of a dataset, each in four severities. The same images
 * and seed give the same copies.
 */
export async function measureRobustness(
  trained: TrainedModel,
  dataset: Dataset,
  options: Pick<InferenceOptions, 'signal' | 'onProgress'> & { readonly seed?: number } = {},
): Promise<Robustness[]> {
  checkOptionNames('measureRobustness', options, { seed: true, signal: true, onProgress: true });
  checkMembers('measureRobustness: trained', 'a trained model', trained, ['engine', 'model']);
  const { seed = 0, signal, onProgress } = options;
  const found: Robustness[] = [];
  const cases = (Object.keys(severities) as PerturbationKind[]).flatMap((kind) =>
    severities[kind].map((severity) => ({ kind, severity, text: texts[kind](severity) })),
  );
  for (const [i, { kind, severity, text }] of cases.entries()) {
    signal?.throwIfAborted();
    const changed = perturb(dataset, { kind, severity, seed });
    // not `evaluate`: what is evaluated stays in the engine's memory
    const { data: probabilities } = await trained.predict(changed.images, { signal });
    const predictions = { probabilities, labels: dataset.labels, classes: dataset.classes };
    const correct = rightOnes(predictions).filter(Boolean).length;
    const { count } = dataset;
    found.push({
      kind,
      severity,
      text,
      accuracy: correct / count,
      loss: logLoss(predictions),
      interval: wilsonInterval(correct, count),
    });
    onProgress?.(i + 1, cases.length);
  }
  return found;
}

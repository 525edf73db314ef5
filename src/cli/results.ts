import type { BackendReport } from '../engine/backend.js';
import type { Reference } from '../recipes/recipe.js';
import type { Evaluation } from '../training/inference.js';
import { decimals, grouped, percent, seconds } from './format.js';

/** What `train --json` prints. Accuracies are shares from 0 to 1; what an interrupted training lacks is null. */
export interface TrainingResult extends BackendReport {
  readonly recipe: string;
  readonly dataset: string;
  readonly seed: number;
  /** Whole epochs that were done. */
  readonly epochs: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly parameters: number;
  /** Of the final weights, without dropout, on the images that were trained on. */
  readonly trainAccuracy: number | null;
  readonly trainLoss: number | null;
  /** Of the final weights; absent where nothing was held out. */
  readonly validationAccuracy?: number | undefined;
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
  /** Wilson's 95% interval of the test accuracy. */
  readonly testInterval: readonly [number, number] | null;
  readonly reference: Reference | null;
  /** From the first step to the last, with validation. */
  readonly trainSeconds: number;
  /** Of training steps alone. */
  readonly imagesPerSecond: number | null;
  readonly weightsSha256: string;
  /** Path of the model's file. */
  readonly model: string;
  readonly interrupted: boolean;
}

/** `97.91% (95% interval 97.61% to 98.17%), loss 0.0689` */
export function evaluationText({ accuracy, interval: [low, high], loss }: Evaluation): string {
  return `${percent(accuracy)} (95% interval ${percent(low)} to ${percent(high)}), loss ${decimals(loss)}`;
}

/** `gpu, threads 1, 32-bit arithmetic, mode webgl2`: what really ran, and why if it is less than was asked for. */
export function backendText(report: BackendReport): string {
  const { backend, threads, numerics, mode, adapter, experimental, fallback } = report;
  const parts = [backend, `threads ${threads}`, numerics];
  if (mode !== undefined) parts.push(`mode ${mode}`);
  if (adapter !== undefined) parts.push(adapter);
  if (experimental !== undefined) parts.push(`experimental: ${experimental}`);
  return parts.join(', ') + (fallback === undefined ? '' : ` (${fallback})`);
}

/** The result for people, a line per fact. */
export function resultText(result: TrainingResult, test: Evaluation | undefined): string {
  const { trainAccuracy, reference, imagesPerSecond } = result;
  const facts: [string, string][] = [
    ['recipe', `${result.recipe} on ${result.dataset}, seed ${result.seed}, ${result.epochs} epochs`],
    ['backend', backendText(result)],
    ['parameters', grouped(result.parameters)],
  ];
  if (test !== undefined) facts.push(['test accuracy', evaluationText(test)]);
  if (trainAccuracy !== null) facts.push(['train accuracy', percent(trainAccuracy)]);
  if (reference !== null) facts.push(['reference', `${percent(reference.accuracy)} (${reference.source})`]);
  const speed = imagesPerSecond === null ? '' : `, ${grouped(imagesPerSecond)} images/s`;
  facts.push(['time', seconds(result.trainSeconds) + speed]);
  facts.push(['weights', `sha256 ${result.weightsSha256}`], ['model', result.model]);
  return facts.map(([name, text]) => `${name.padEnd(15)} ${text}`).join('\n');
}

import type { BackendReport } from '../../engine/backend.js';
import type { TrainingResult } from '../../runs/result.js';
import type { Evaluation } from '../../training/inference/inference.js';
import { decimals, grouped, percent, seconds } from './format.js';
import { oneLine } from './output.js';

/** `97.91% (95% interval 97.61% to 98.17%), loss 0.0689` */
export function evaluationText({
  accuracy,
  interval: [low, high],
  loss,
}: Pick<Evaluation, 'accuracy' | 'interval' | 'loss'>): string {
  return `${percent(accuracy)} (95% interval ${percent(low)} to ${percent(high)}), loss ${decimals(loss)}`;
}

/** `wasm, threads 2, wasm 3, 128-bit fma`: what really ran, and why if it is less than was asked for. Names an adapter once. */
export function backendText(report: BackendReport): string {
  const { backend, threads, numerics, mode, adapter, experimental, fallback, native = 'off' } = report;
  const parts = [backend, `threads ${threads}`, numerics];
  if (mode !== undefined) parts.push(`mode ${mode}`);
  if (adapter !== undefined && !numerics.includes(adapter)) parts.push(adapter);
  if (!native.startsWith('off')) parts.push(`native ${native}`);
  if (experimental !== undefined) parts.push(`experimental: ${experimental}`);
  const reason = adapter === undefined ? fallback : fallback?.replace(adapter, 'it');
  return parts.join(', ') + (reason === undefined ? '' : ` (${reason})`);
}

/** `97.80%: reached` */
function targetText(target: number, met: boolean | null): string {
  return `${percent(target)}: ${met === null ? 'not judged' : met ? 'reached' : 'missed'}`;
}

/** The result for people, a line per fact. */
export function resultText(result: TrainingResult): string {
  const { trainAccuracy, reference, imagesPerSecond, target } = result;
  const { testAccuracy: accuracy, testLoss: loss, testInterval: interval } = result;
  const facts: [string, string][] = [
    ['recipe', `${result.recipe} on ${result.dataset}, seed ${result.seed}, ${result.epochs} epochs`],
    ['backend', backendText(result)],
    ['parameters', grouped(result.parameters)],
  ];
  if (accuracy !== null && loss !== null && interval !== null) {
    facts.push(['test accuracy', evaluationText({ accuracy, loss, interval })]);
  }
  if (trainAccuracy !== null) facts.push(['train accuracy', percent(trainAccuracy)]);
  if (result.limit !== undefined) {
    facts.push(['limit', `only the first ${grouped(result.limit)} images: no published result is beside it`]);
  }
  if (reference !== null) facts.push(['reference', `${percent(reference.accuracy)} (${reference.source})`]);
  if (target !== null) facts.push(['target', targetText(target, result.targetMet)]);
  if (result.ended === 'early stopping') facts.push(['ended', 'early, since validation got no better']);
  const speed = imagesPerSecond === null ? '' : `, ${grouped(imagesPerSecond)} images/s`;
  facts.push(['time', seconds(result.trainSeconds) + speed]);
  facts.push(['weights', `sha256 ${result.weightsSha256}`], ['model', result.model]);
  return facts.map(([name, text]) => `${name.padEnd(15)} ${oneLine(text)}`).join('\n');
}

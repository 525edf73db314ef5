/** Gathers what a report shows. */
import { grouped } from '../../core/format.js';
import { at } from '../../core/lists.js';
import { type Dataset, select } from '../../data/dataset.js';
import { perturb } from '../../data/images/perturb.js';
import type { BackendReport } from '../../engine/backend.js';
import type { Engine } from '../../engine/engine.js';
import { type Summary, summarize } from '../../nn/summary.js';
import type { RunRecord } from '../../runs/records.js';
import { type PublishedReference, readReferences } from '../../runs/references.js';
import type { ModelFile } from '../../training/files/modelFile.js';
import { openModel } from '../../training/files/savedModel.js';
import type { TrainedModel } from '../../training/files/trainedModel.js';
import { checkFinite } from '../../training/files/weights.js';
import { type Measures, measurePredictions } from '../metrics/measures.js';
import type { Predictions } from '../metrics/predictions.js';
import { measureRobustness, type Robustness } from '../metrics/robustness.js';
import { type FirstLayer, featureMaps, firstLayer } from './firstLayer.js';
import { pictureOf, type Shown, sample, surestMistakes } from './gallery.js';
import type { Pixels } from './picture.js';

/** The performance of a model on images. */
export interface Examined {
  readonly dataset: string;
  readonly split: string;
  /** The backend that measured. */
  readonly backend: BackendReport;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  readonly measures: Measures;
  readonly gallery: readonly Shown[];
  readonly mistakes: readonly Shown[];
  /** On images that are worse, each with an example; absent unless it was asked for. */
  readonly robustness?: readonly (Robustness & { readonly example: Pixels })[] | undefined;
  /** An image, and what the first layer makes of it. */
  readonly features?: { readonly image: Pixels; readonly maps: readonly Pixels[] } | undefined;
}

export interface ReportData {
  readonly run: RunRecord;
  readonly summary?: Summary | undefined;
  readonly first?: FirstLayer | undefined;
  readonly examined?: Examined | undefined;
  readonly references: readonly PublishedReference[];
  /** Why parts of the report are not there, a sentence each. */
  readonly absent: readonly string[];
}

interface ExamineOptions {
  /** Measure on worse images too: sixteen times the work. Default false. */
  readonly robustness?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, count: number) => void) | undefined;
}

/** Looks at a saved model with the images of a dataset. */
export async function examine(
  engine: Engine,
  file: ModelFile,
  dataset: Dataset,
  options: ExamineOptions = {},
): Promise<Examined> {
  checkFinite(file.tensors, file.path);
  const trained = await openModel(engine, file);
  const { signal } = options;
  const { loss } = await trained.evaluate(dataset, { signal });
  const predictions: Predictions = {
    probabilities: (await trained.predict(dataset.images, { signal, onProgress: options.onProgress })).data,
    labels: dataset.labels,
    classes: dataset.classes,
  };
  const gallery = sample(dataset, predictions);
  const first = firstLayer(file);
  const shown = at(gallery, 0).index;
  const size = dataset.images.length / dataset.count;
  const image = dataset.images.subarray(shown * size, (shown + 1) * size);
  const maps =
    first && (await featureMaps(engine, file.model, file.details.normalization, { path: first.path, image }));
  return {
    dataset: dataset.name,
    split: dataset.split,
    backend: engine.report,
    loss,
    measures: measurePredictions(predictions),
    gallery,
    mistakes: surestMistakes(dataset, predictions),
    robustness: options.robustness ? await examples(trained, dataset, shown, options) : undefined,
    features: maps && { image: pictureOf(dataset, shown), maps },
  };
}

/** The accuracy under every change, and what the change does to one image. */
async function examples(trained: TrainedModel, dataset: Dataset, index: number, options: ExamineOptions) {
  const found = await measureRobustness(trained, dataset, { signal: options.signal });
  const one = select(dataset, [index]);
  return found.map((each) => ({ ...each, example: pictureOf(perturb(one, each), 0) }));
}

/**
 * The accuracy that may stand beside published ones, with its interval: of a run that had all images, on its whole test
 * set. Undefined where there is none.
 */
export function comparable({ run, examined }: Pick<ReportData, 'run' | 'examined'>) {
  const { config, result } = run;
  const { settings, data } = config;
  if (settings.limit !== undefined) return undefined;
  if (examined?.dataset === settings.dataset && examined.split === 'test') {
    const { count, accuracy, interval } = examined.measures;
    if (count === data.test.count) return { accuracy, interval };
  }
  const [accuracy, interval] = [result?.testAccuracy, result?.testInterval];
  return accuracy == null || interval == null ? undefined : { accuracy, interval };
}

/** Why a run is not set beside published accuracies though there are some; undefined where it is. */
function unjudged(run: RunRecord, examined: Examined | undefined): string | undefined {
  const { limit } = run.config.settings;
  if (limit !== undefined) {
    return `The run is not set beside published results: it had only the first ${grouped(limit)} images (--limit).`;
  }
  if (examined === undefined || comparable({ run, examined }) !== undefined) return undefined;
  return 'The run is not set beside published results: it was not measured on its whole test set.';
}

/** All that a report shows. What could not be had is left out, with the reasons in `absent`. */
export async function collect(
  run: RunRecord,
  file: ModelFile | undefined,
  examined: Examined | undefined,
  absent: readonly string[],
): Promise<ReportData> {
  const reasons = [...absent];
  if (run.history.length === 0) {
    reasons.push('There are no learning curves: the run has no whole epoch in its history.jsonl.');
  }
  const references = await readReferences(run.config.settings.dataset);
  if (references.length === 0) {
    reasons.push(
      `There is no reference ladder: no published accuracies are known for ${run.config.settings.dataset}.`,
    );
  }
  const reason = references.length === 0 ? undefined : unjudged(run, examined);
  if (reason !== undefined) reasons.push(reason);
  const first = file && firstLayer(file);
  if (file !== undefined && first === undefined) {
    reasons.push(
      'There are no pictures of weights: the first layer is neither a convolution nor dense on whole images.',
    );
  }
  return { run, summary: file && summarize(file.model), first, examined, references, absent: reasons };
}

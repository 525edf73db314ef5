import { join } from 'node:path';
import { DataError, sentenceOf, UsageError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { collect, type Examined, examine } from '../../../report/page/collect.js';
import { renderReport } from '../../../report/page/page.js';
import { checkPagePath, writeReport } from '../../../report/page/write.js';
import { runFiles } from '../../../runs/files.js';
import { type RunRecord, readRun } from '../../../runs/records.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import { openImagesFor } from '../../inputs/modelImages.js';
import { openChosenEngine } from '../../inputs/openers.js';
import type { BackendArguments, DataArguments, OwnDataArguments } from '../../inputs/options.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { interruptible } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { terminalReport } from '../../terminal/terminalReport.js';

export interface ReportArguments
  extends BackendArguments,
    DataArguments,
    ImportArguments,
    Omit<OwnDataArguments, 'imageShape'> {
  readonly run: string;
  readonly out?: string | undefined;
  readonly terminal: boolean;
  readonly robustness: boolean;
  readonly dataset?: string | undefined;
  readonly limit?: number | undefined;
  readonly json: boolean;
}

/** The run's model; undefined where there is none yet. */
async function modelOf(run: RunRecord, options: ImportArguments): Promise<ModelFile | undefined> {
  const path = join(run.path, runFiles.model);
  return (await exists(path)) ? readModel(path, options) : undefined;
}

/** Examines the model on the test set, or gives a sentence that says why it cannot. */
async function examineModel(
  file: ModelFile,
  options: ReportArguments,
  progress: Progress,
  signal: AbortSignal,
): Promise<Examined | string> {
  try {
    const warn = (text: string) => progress.note(text);
    const test = await openImagesFor(file, { ...options, signal }, progress, warn);
    await using engine = await openChosenEngine(options, progress);
    return await examine(engine, file, test, {
      signal,
      robustness: options.robustness,
      onProgress: (done, count) => progress.show('looking', done, count, `${done} of ${count} images`),
    });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return `There are no predictions, confusion matrix or calibration: the images are not here (${sentenceOf(error)}).`;
  } finally {
    progress.clear();
  }
}

async function report(options: ReportArguments, signal: AbortSignal): Promise<void> {
  const out = options.out ?? join(options.run, 'report.html');
  checkPagePath(out);
  if (options.terminal && options.out !== undefined) {
    throw new UsageError('--terminal writes nothing: --out does not go with it');
  }
  const run = await readRun(options.run);
  const file = await modelOf(run, options);
  const progress = await Progress.open(options.json);
  const looked =
    file === undefined
      ? `There are no predictions and no weights: the run has no ${runFiles.model} yet.`
      : await examineModel(file, options, progress, signal);
  const [examined, absent] = typeof looked === 'string' ? [undefined, [looked]] : [looked, []];
  const data = await collect(run, file, examined, absent);
  if (options.terminal) {
    const text = terminalReport(run.history, examined?.measures);
    print([text, ...data.absent].filter((part) => part !== '').join('\n\n'));
    return;
  }
  const written = await writeReport(await renderReport(data), out);
  if (options.json) print(JSON.stringify({ ...written, absent: data.absent }));
  else {
    print(`${written.page}, and ${written.pictures.length} pictures beside it`);
    for (const reason of data.absent) print(reason);
  }
}

/** Makes a page about a run. */
export function runReport(options: ReportArguments): Promise<void> {
  return interruptible((signal) => report(options, signal));
}

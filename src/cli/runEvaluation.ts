import { readModelFile } from '../training/modelFile.js';
import { openModel } from '../training/savedModel.js';
import { interruptible } from './interrupt.js';
import { openChosenEngine, openDataset, silent } from './openers.js';
import type { BackendArguments, DataArguments } from './options.js';
import { backendText, evaluationText } from './results.js';
import { modelPathOf } from './runFolder.js';

export interface EvaluateArguments extends BackendArguments, DataArguments {
  readonly model: string;
  readonly dataset?: string | undefined;
  readonly split: 'test' | 'train';
  readonly limit?: number | undefined;
  readonly json: boolean;
}

async function evaluateModel(options: EvaluateArguments, signal: AbortSignal): Promise<void> {
  const { model, split } = options;
  const file = await readModelFile(await modelPathOf(model));
  const dataset = options.dataset ?? file.details.dataset;
  const images = (await openDataset(dataset, { ...options, signal }, silent))[split];
  await using engine = await openChosenEngine(options, silent);
  const { report } = engine;
  if (report.numerics !== file.details.numerics) {
    const { numerics } = file.details;
    console.error(
      `quern: trained with ${numerics}, measured with ${report.numerics}: results may differ a little`,
    );
  }
  const trained = await openModel(engine, file);
  const evaluation = await trained.evaluate(images, { signal });
  const { loss, accuracy, correct, count, interval } = evaluation;
  if (options.json) {
    const weightsSha256 = await trained.weightsSha256();
    const measured = { accuracy, loss, correct, count, interval, weightsSha256 };
    console.log(JSON.stringify({ model, dataset, split, ...report, ...measured }));
    return;
  }
  console.log(`${dataset} ${split}: ${correct} of ${count} right, ${evaluationText(evaluation)}`);
  console.log(`backend ${backendText(report)}`);
}

/** Measures a saved model on a dataset. */
export function runEvaluation(options: EvaluateArguments): Promise<void> {
  return interruptible((signal) => evaluateModel(options, signal));
}

import { readModelFile } from '../training/modelFile.js';
import { openModel } from '../training/savedModel.js';
import { onlyNotes, openChosenEngine, openDataset } from './openers.js';
import type { BackendArguments, DataArguments } from './options.js';
import { evaluationText } from './results.js';
import { modelPathOf } from './runFolder.js';

export interface EvaluateArguments extends BackendArguments, DataArguments {
  readonly model: string;
  readonly dataset?: string | undefined;
  readonly split: 'test' | 'train';
  readonly limit?: number | undefined;
  readonly json: boolean;
}

/** Measures a saved model on a dataset. */
export async function runEvaluation(options: EvaluateArguments): Promise<void> {
  const file = await readModelFile(await modelPathOf(options.model));
  const name = options.dataset ?? file.details.dataset;
  const dataset = (await openDataset(name, options, onlyNotes))[options.split];
  await using engine = await openChosenEngine(options, { ...onlyNotes, note: () => {} });
  const { backend, threads, numerics } = engine.report;
  if (numerics !== file.details.numerics) {
    console.error(
      `quern: trained with ${file.details.numerics}, measured with ${numerics}: results may differ a little`,
    );
  }
  const trained = await openModel(engine, file);
  const evaluation = await trained.evaluate(dataset);
  if (options.json) {
    const { split, model } = options;
    const { loss, accuracy, correct, count, interval } = evaluation;
    const weightsSha256 = await trained.weightsSha256();
    console.log(
      JSON.stringify({
        model,
        dataset: name,
        split,
        backend,
        threads,
        numerics,
        accuracy,
        loss,
        correct,
        count,
        interval,
        weightsSha256,
      }),
    );
    return;
  }
  const { correct, count } = evaluation;
  console.log(`${name} ${options.split}: ${correct} of ${count} right, ${evaluationText(evaluation)}`);
}

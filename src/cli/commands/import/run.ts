import { join } from 'node:path';
import { float32Of } from '../../../core/dtype.js';
import { UsageError } from '../../../core/errors.js';
import { exists, withFolder } from '../../../core/files.js';
import { formatShape } from '../../../core/shape.js';
import { summarize } from '../../../nn/summary.js';
import { runFiles } from '../../../runs/files.js';
import { writeModelFile } from '../../../training/files/modelFile.js';
import { readForeign } from '../../inputs/models.js';
import type { ForeignArguments } from '../../inputs/options.js';
import { checkOutput } from '../../inputs/outputs.js';
import { parseShape } from '../../inputs/ownData.js';
import { print } from '../../terminal/output.js';

export interface ImportArguments extends ForeignArguments {
  readonly file: string;
  readonly out: string;
  readonly force: boolean;
  readonly dataset?: string | undefined;
  readonly imageShape?: string | undefined;
  readonly classes?: string | undefined;
  readonly json: boolean;
}

/** Reads a model of another format and writes it as one of Quern's own. */
export async function runImport(options: ImportArguments): Promise<void> {
  const { file, out, force, imageShape, classes, json } = options;
  const path = join(out, runFiles.model);
  if (!force && ((await exists(path)) || (await exists(join(out, runFiles.config))))) {
    throw new UsageError(`${out}: it holds a model already; --force replaces it`);
  }
  await checkOutput(path, [file]);
  const read = await readForeign(file, {
    ...options,
    shape: imageShape === undefined ? undefined : parseShape('--image-shape', imageShape),
    classes: classes?.split(','),
  });
  const { model, details, tensors, notes } = read;
  const weights = new Map([...tensors].map(([name, { data }]) => [name, float32Of(data)]));
  await withFolder(out, () => writeModelFile(path, model, weights, details));
  const { parameters } = summarize(model);
  if (json) {
    print(JSON.stringify({ file, model: path, parameters, inputShape: model.inputShape, ...details, notes }));
    return;
  }
  const lines = [
    ...notes,
    `${path}: ${parameters} parameters, images ${formatShape(model.inputShape)}, ${details.classes.length} classes`,
  ];
  print(lines.join('\n'));
}

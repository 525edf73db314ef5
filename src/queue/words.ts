/** A job as the command line of a training. */
import { join } from 'node:path';
import type { Preparation, TrainingJob } from './job.js';

/** Where a checkpoint from the store lies in the folder of a run that goes on from it. */
export const checkpointName = 'from-store.safetensors';

interface WordsOptions {
  /** A name or a path. */
  readonly recipe: string;
  readonly folder: string;
  readonly threads: number;
  readonly checkpointEvery: number;
  readonly dataDir?: string | undefined;
  readonly offline: boolean;
  readonly data?: string | undefined;
  /** Whether there is a checkpoint. */
  readonly goOn: boolean;
}

/** Options as words: `{ dataDir: 'a' }` → `--data-dir a`. */
function wordsOf(options: Readonly<Record<string, number | string | boolean | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [option] : [option, String(value)];
  });
}

/** In one word each: what a job says is no option of its own. */
const preparationWords = (preparation: Preparation) =>
  Object.entries(preparation).flatMap(([name, value]) => {
    const [option, text] = wordsOf({ [name]: value });
    return option === undefined ? [] : [text === undefined ? option : `${option}=${text}`];
  });

/** Makes the words behind the program. */
export function trainWords({ training, until }: TrainingJob, options: WordsOptions): string[] {
  const {
    seed,
    epochs,
    validation,
    validationByWriter,
    limit,
    imageShape,
    ownData,
    preparation = {},
    backend,
    set = {},
  } = training;
  const { recipe, folder, threads, checkpointEvery, dataDir, offline, data, goOn } = options;
  return [
    'train',
    recipe,
    ...wordsOf({ seed, epochs, validation, validationByWriter, limit, imageShape, backend }),
    ...Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ...wordsOf({
      out: folder,
      pauseAfter: until === 0 ? undefined : until,
      checkpointEvery,
      offline,
      dataDir,
    }),
    // the only backend that has threads
    ...(backend === 'wasm' ? wordsOf({ threads }) : []),
    ...(ownData ? wordsOf({ data }) : []),
    ...preparationWords(preparation),
    ...(goOn ? ['--checkpoint', join(folder, checkpointName)] : []),
    '--json',
  ];
}

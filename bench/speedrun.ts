import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDataset } from '../src/data/catalog/datasets.js';
import type { Bench, Findings } from './support/bench.js';
import { askChild } from './support/child.js';
import { ensure } from './support/ensure.js';
import { threadCount } from './support/format.js';
import { summarize } from './support/statistics.js';

const seeds = 5;
/** A quick look trains on few images, for few seeds: it times the way there, and its accuracy says nothing. */
const quick = { seeds: 2, limit: 512 };

/** What is taken from the answer of `quern train --json`. */
interface Answer {
  readonly dataset: string;
  readonly testAccuracy: number;
  readonly trainSeconds: number;
}

/** The recipe; where MNIST is not on this machine, what is left of it on the small dataset of the package. */
async function recipeOf(): Promise<string> {
  const present = await loadDataset('mnist', { offline: true }).then(
    () => true,
    () => false,
  );
  return present
    ? 'mnist-speedrun'
    : fileURLToPath(new URL('./support/children/fixtureSpeedrun.js', import.meta.url));
}

export const bench: Bench = {
  question:
    'How long does it take from process start to a trained MNIST model and its accuracy, and how good is it?',
  async run(context): Promise<Findings> {
    const threads = context.threads.at(-1)!;
    const recipe = await recipeOf();
    const folder = await mkdtemp(join(tmpdir(), 'quern-speedrun-'));
    const runs: { seed: number; value: Answer; seconds: number }[] = [];
    try {
      for (let seed = 1; seed <= (context.quick ? quick.seeds : seeds); seed++) {
        const words = ['train', recipe, '--seed', `${seed}`, '--threads', `${threads}`, '--backend', 'wasm'];
        const limit = context.quick ? ['--limit', `${quick.limit}`] : [];
        const rest = ['--offline', '--json', '--quiet', '--out', join(folder, `${seed}`)];
        runs.push({ seed, ...(await askChild<Answer>('../src/cli/main.js', [...words, ...limit, ...rest])) });
        context.progress(`seed ${seed}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    for (const { value } of runs) ensure(value.testAccuracy > 0, 'quern train gave no test accuracy');
    const accuracies = runs.map(({ value }) => value.testAccuracy);
    const [dataset, threadsUsed] = [runs[0]!.value.dataset, threadCount(threads)];
    return {
      columns: [
        { key: 'run', title: 'run' },
        { key: 'seconds', title: 'start to accuracy', unit: 's' },
        { key: 'training', title: 'of it training', unit: 's' },
        { key: 'accuracy', title: 'test accuracy', unit: '%' },
      ],
      rows: [
        ...runs.map(({ seed, seconds, value }) => ({
          run: `seed ${seed}`,
          seconds,
          training: value.trainSeconds,
          accuracy: 100 * value.testAccuracy,
        })),
        {
          run: 'median time, mean accuracy',
          seconds: summarize(runs.map(({ seconds }) => seconds)),
          training: summarize(runs.map(({ value }) => value.trainSeconds)),
          accuracy: (100 * accuracies.reduce((sum, accuracy) => sum + accuracy, 0)) / runs.length,
        },
      ],
      notes: [
        `quern train ${context.quick ? `on ${quick.limit} images` : 'as users run it'} of ${dataset}, ${threadsUsed}: ` +
          'from before the process is started to its answer.',
      ],
      backends: [],
      plots: [
        {
          title: `From process start to the accuracy of mnist-speedrun, ${threadsUsed}`,
          kind: 'bar',
          x: { title: '', values: runs.map(({ seed }) => `seed ${seed}`) },
          y: { title: 'seconds' },
          series: [{ name: 'start to accuracy', values: runs.map(({ seconds }) => seconds) }],
        },
      ],
    };
  },
};

import type { Bench, Findings } from './support/bench.js';
import { askChild } from './support/child.js';
import type { MemoryUse } from './support/children/memory.js';
import { threadCount } from './support/format.js';
import { summarize } from './support/statistics.js';

const recipes = ['mnist-mlp', 'fashion-cnn'];
const trainingSeconds = { quick: 0.5, full: 10 };
const megabyte = 1e6;

export const bench: Bench = {
  question: 'How much memory does a training take at its peak?',
  async run({ threads, quick, progress }): Promise<Findings> {
    const rounds = quick ? 1 : 3;
    const seconds = String(quick ? trainingSeconds.quick : trainingSeconds.full);
    const cases = recipes.flatMap((recipe) => threads.map((count) => ({ recipe, threads: count })));
    const uses = cases.map((): MemoryUse[] => []);
    for (let round = 1; round <= rounds; round++) {
      for (const [i, { recipe, threads: count }] of cases.entries()) {
        const words = [recipe, String(count), seconds];
        const { value } = await askChild<MemoryUse>('support/children/memory.js', words);
        uses[i]!.push(value);
        progress(`round ${round} of ${rounds}, ${recipe}, ${threadCount(count)}`);
      }
    }
    const of = (i: number, key: 'program' | 'data' | 'peak') =>
      summarize(uses[i]!.map((use) => use[key] / megabyte));
    return {
      columns: [
        { key: 'recipe', title: 'recipe' },
        { key: 'dataset', title: 'dataset' },
        { key: 'threads', title: 'threads' },
        { key: 'program', title: 'program loaded', unit: 'MB' },
        { key: 'data', title: 'dataset loaded', unit: 'MB' },
        { key: 'peak', title: 'peak', unit: 'MB' },
      ],
      rows: cases.map((one, i) => ({
        ...one,
        dataset: uses[i]![0]!.source,
        program: of(i, 'program'),
        data: of(i, 'data'),
        peak: of(i, 'peak'),
      })),
      notes: [
        `Resident memory of the process. What quern train does, stopped after ${seconds} s of training, and evaluated.`,
      ],
      backends: [],
      plots: [
        {
          title: 'Memory of a training',
          kind: 'bar',
          x: {
            title: '',
            values: cases.map(({ recipe, threads: count }) => `${recipe}, ${threadCount(count)}`),
          },
          y: { title: 'MB' },
          series: (['program', 'data', 'peak'] as const).map((key) => ({
            name: { program: 'program loaded', data: 'dataset loaded', peak: 'peak' }[key],
            values: cases.map((_, i) => of(i, key).median),
          })),
        },
      ],
    };
  },
};

import type { Bench, Findings, Row } from './support/bench.js';
import { askChild } from './support/child.js';
import type { FirstStep } from './support/children/firstStep.js';
import { threadCount } from './support/format.js';
import { summarize } from './support/statistics.js';

const parts = ['node', 'import', 'data', 'engine', 'plan', 'compile', 'step'] as const;

const titles: Readonly<Record<(typeof parts)[number], string>> = {
  node: 'Node starts',
  import: 'modules load',
  data: 'dataset loads',
  engine: 'engine opens',
  plan: 'step is traced and planned',
  compile: 'kernels are compiled',
  step: 'first step',
};

export const bench: Bench = {
  question: 'How long does a new process take to finish its first training step of the MLP, and with what?',
  async run({ threads, sampling, progress }): Promise<Findings> {
    const rounds = Math.max(1, Math.ceil(sampling.rounds / 2));
    const answers = threads.map((): { value: FirstStep; seconds: number }[] => []);
    for (let round = 1; round <= rounds; round++) {
      for (const [i, count] of threads.entries()) {
        answers[i]!.push(await askChild<FirstStep>('support/children/firstStep.js', [String(count)]));
      }
      progress(`round ${round} of ${rounds}`);
    }
    const rows = threads.flatMap((count, i): Row[] => {
      const own = answers[i]!;
      return [
        ...parts.map((part) => ({
          part: titles[part],
          threads: count,
          seconds: summarize(own.map(({ value }) => value[part])),
        })),
        {
          part: 'from outside, start to answer',
          threads: count,
          seconds: summarize(own.map(({ seconds }) => seconds)),
        },
      ];
    });
    const source = answers[0]![0]!.value.source;
    return {
      columns: [
        { key: 'part', title: 'part' },
        { key: 'threads', title: 'threads' },
        { key: 'seconds', title: 'time', unit: 's' },
      ],
      rows,
      notes: [
        `Batches of 128 from ${source === 'mnist' ? 'MNIST' : 'random images, since MNIST is not on this machine'}; ` +
          'files are in the cache of the operating system after the first round.',
      ],
      backends: [],
      plots: [
        {
          title: 'From process start to the first step of the MLP',
          kind: 'bar',
          x: { title: '', values: parts.map((part) => titles[part]) },
          y: { title: 'seconds' },
          series: threads.map((count, i) => ({
            name: threadCount(count),
            values: parts.map((part) => summarize(answers[i]!.map(({ value }) => value[part])).median),
          })),
        },
      ],
    };
  },
};

import type { NativeOption } from '../src/engine/options.js';
import type { Bench, Context, Findings, Row } from './support/bench.js';
import { askChild } from './support/child.js';
import type { FirstStep } from './support/children/firstStep.js';
import { threadCount } from './support/format.js';
import type { SeedModel } from './support/seedModels.js';
import { type Summary, summarize } from './support/statistics.js';

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

interface Start {
  readonly model: SeedModel;
  readonly threads: number;
  readonly native: NativeOption;
}
type Answer = Awaited<ReturnType<typeof ask>>;

const ask = ({ model, threads, native }: Start) =>
  askChild<FirstStep>('support/children/firstStep.js', [String(threads), native, model]);

/** The perceptron on some threads; the largest network, with machine code, where there is any, and without. */
function startsOf({ threads, backend }: Context): { small: Start[]; large: Start[] } {
  const native = ('native' in backend ? backend.native : undefined) ?? 'auto';
  return {
    small: threads.map((count) => ({ model: 'mlp', threads: count, native })),
    large: [native, 'off' as const].map((each) => ({ model: 'fashion-resnet', threads: 1, native: each })),
  };
}

/** Of the largest network, whose kernels are most of its start. */
function largeRows(starts: readonly Start[], answers: readonly Answer[][]): Row[] {
  return starts.flatMap(({ native, threads }, i): Row[] => {
    const own = answers[i]!.map(({ value }) => value);
    const machine = own[0]!.native;
    if (native !== 'off' && !machine.startsWith('avx')) return [];
    const name = `fashion-resnet, ${native === 'off' ? 'WebAssembly' : `native ${machine}`}`;
    const row = (part: string, of: (value: FirstStep) => number): Row => ({
      part: `${name}: ${part}`,
      threads,
      seconds: summarize(own.map(of)),
    });
    return [
      row(titles.compile, ({ compile }) => compile),
      row('processor time of that', ({ compileThread }) => compileThread),
      row(titles.step, ({ step }) => step),
    ];
  });
}

function smallRows({ threads }: Start, answers: readonly Answer[]): Row[] {
  const row = (part: string, seconds: Summary): Row => ({ part, threads, seconds });
  return [
    ...parts.map((part) => row(titles[part], summarize(answers.map(({ value }) => value[part])))),
    row('from outside, start to answer', summarize(answers.map(({ seconds }) => seconds))),
  ];
}

export const bench: Bench = {
  question: 'How long does a new process take to finish its first training step of the MLP, and with what?',
  async run(context): Promise<Findings> {
    const { sampling, progress } = context;
    const rounds = Math.max(1, Math.ceil(sampling.rounds / 2));
    const { small, large } = startsOf(context);
    const starts = [...small, ...large];
    const answers = starts.map((): Answer[] => []);
    for (let round = 1; round <= rounds; round++) {
      for (const [i, start] of starts.entries()) answers[i]!.push(await ask(start));
      progress(`round ${round} of ${rounds}`);
    }
    const source = answers[0]![0]!.value.source;
    return {
      columns: [
        { key: 'part', title: 'part' },
        { key: 'threads', title: 'threads' },
        { key: 'seconds', title: 'time', unit: 's' },
      ],
      rows: [
        ...small.flatMap((start, i) => smallRows(start, answers[i]!)),
        ...largeRows(large, answers.slice(small.length)),
      ],
      notes: [
        `Batches of 128 from ${source === 'mnist' ? 'MNIST' : 'random images, since MNIST is not on this machine'}; ` +
          'files are in the cache of the operating system after the first round.',
        'Kernels are compiled: they are written, loaded or compiled, and parameters get their first values. Processor time: of ' +
          "the engine's thread.",
      ],
      backends: [],
      plots: [
        {
          title: 'From process start to the first step of the MLP',
          kind: 'bar',
          x: { title: '', values: parts.map((part) => titles[part]) },
          y: { title: 'seconds' },
          series: small.map(({ threads }, i) => ({
            name: threadCount(threads),
            values: parts.map((part) => summarize(answers[i]!.map(({ value }) => value[part])).median),
          })),
        },
      ],
    };
  },
};

import type { Bench, Findings, Row } from './support/bench.js';
import { threadCount } from './support/format.js';
import { kernelColumns, kernelNotes, kernelRow } from './support/kernelFindings.js';
import { type MeasuredStep, measureSeedKernels } from './support/measureKernels.js';
import { type SeedModel, seedModels, seedModelTitles } from './support/seedModels.js';

/** Kernels that take less of a step are one line together. */
const worthALine = 0.005;

function rowsOf(name: SeedModel, measured: MeasuredStep): Row[] {
  const { kernels, step, report } = measured;
  const title = seedModelTitles[name];
  const shares = kernels.map(({ seconds }) => seconds.median / step.median);
  const shown = kernels
    .filter((_, i) => shares[i]! >= worthALine)
    .sort((a, b) => b.seconds.median - a.seconds.median);
  const small = kernels.filter((_, i) => shares[i]! < worthALine);
  const sum = (some: typeof kernels) => some.reduce((total, { seconds }) => total + seconds.median, 0);
  const line = (kernel: string, seconds: number): Row => ({
    model: title,
    kernel,
    threads: report.threads,
    milliseconds: seconds * 1000,
    stepShare: seconds / step.median,
  });
  return [
    ...shown.map((kernel) => ({ model: title, ...kernelRow(kernel, measured) })),
    line(`${small.length} small kernels`, sum(small)),
    line('all kernels, each alone', sum(kernels)),
    line('the whole step', step.median),
  ];
}

export const bench: Bench = {
  question: 'Where does the time of a training step go, kernel by kernel?',
  async run(context): Promise<Findings> {
    const all: [SeedModel, MeasuredStep][] = [];
    for (const name of seedModels) {
      for (const threads of context.threads) {
        all.push([name, await measureSeedKernels(context, name, threads, () => true)]);
      }
    }
    return {
      columns: [{ key: 'model', title: 'model' }, ...kernelColumns],
      rows: all.flatMap(([name, measured]) => rowsOf(name, measured)),
      notes: kernelNotes,
      backends: all.map(([, { report }]) => report),
      plots: all.map(([name, { kernels, step, report }]) => {
        const largest = [...kernels].sort((a, b) => b.seconds.median - a.seconds.median).slice(0, 14);
        return {
          name: `${name}-${report.threads}`,
          title: `A step of the ${seedModelTitles[name]}, ${threadCount(report.threads)}`,
          kind: 'bar' as const,
          x: { title: '', values: largest.map(({ index, label }) => `${index} ${label.slice(0, 44)}`) },
          y: { title: 'share of the step' },
          series: [{ name: 'share', values: largest.map(({ seconds }) => seconds.median / step.median) }],
        };
      }),
    };
  },
};

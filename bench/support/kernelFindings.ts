/** Measured kernels as rows, for the benches that show some of them. */
import type { Column, Findings, Row } from './bench.js';
import { threadCount } from './format.js';
import { kernelName, type MeasuredKernel, type MeasuredStep } from './measureKernels.js';

export const kernelColumns: readonly Column[] = [
  { key: 'kernel', title: 'kernel' },
  { key: 'threads', title: 'threads' },
  { key: 'milliseconds', title: 'time', unit: 'ms' },
  { key: 'stepShare', title: 'of the step', unit: 'share' },
  { key: 'gflops', title: 'rate', unit: 'GFLOP/s' },
  { key: 'gigabytes', title: 'traffic', unit: 'GB/s' },
  { key: 'bound', title: 'limit' },
  { key: 'share', title: 'of the limit', unit: 'share' },
  { key: 'algorithm', title: 'algorithm' },
];

const scaled = (work: number, scale: number, { seconds }: MeasuredKernel) => work / scale / seconds.median;

export function kernelRow(kernel: MeasuredKernel, { step }: MeasuredStep): Row {
  const { seconds, threads, bound, share, algorithm, flops, bytes } = kernel;
  const { median, low, high, count } = seconds;
  return {
    kernel: kernelName(kernel),
    threads,
    milliseconds: { median: median * 1000, low: low * 1000, high: high * 1000, count },
    stepShare: median / step.median,
    gflops: scaled(flops, 1e9, kernel),
    gigabytes: scaled(bytes, 1e9, kernel),
    bound,
    share,
    algorithm,
  };
}

/** Where measurements on one thread are told by `clockFor`. */
export const oneThreadNote = 'One thread is told in processor time: what other processes take is not in it.';

/** How to read the columns. */
export const kernelNotes: readonly string[] = [
  'Each kernel runs alone, over and over, on the data that it meets in the step: its time in the step may be longer.',
  'The limit: multiply-adds in registers, as wide as the engine works, or a copy of as many bytes, on as many threads, around each sample.',
  oneThreadNote,
];

export interface KernelTable {
  /** Of the plot. */
  readonly title: string;
  /** The steps mean something, and so does the share that a kernel has of its step. */
  readonly ofSteps: boolean;
}

/** The findings of a bench that shows kernels. */
export function kernelFindings(measured: readonly MeasuredStep[], { title, ofSteps }: KernelTable): Findings {
  const columns = kernelColumns.filter(({ key }) => ofSteps || key !== 'stepShare');
  const rows = measured.flatMap((one) => one.kernels.map((kernel) => kernelRow(kernel, one)));
  const names = measured[0]!.kernels.map(kernelName);
  return {
    columns,
    rows: ofSteps ? rows : rows.map(({ stepShare: _, ...row }) => row),
    notes: kernelNotes,
    backends: measured.map(({ report }) => report),
    plots: [
      {
        title,
        kind: 'bar',
        x: { title: '', values: names },
        y: { title: 'share of the limit' },
        series: measured.map(({ kernels, report }) => ({
          name: threadCount(report.threads),
          values: kernels.map(({ share }) => share.median),
        })),
      },
    ],
  };
}

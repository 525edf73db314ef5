/** What a bench is, and what it finds. */
import type { BackendReport } from '../../src/engine/backend.js';
import type { BackendOptions } from '../../src/engine/options.js';
import type { Sampling } from './measure.js';
import type { Summary } from './statistics.js';

/** How a bench is to measure. */
export interface Context {
  readonly sampling: Sampling;
  /** Fewer cases, for a look in seconds. */
  readonly quick: boolean;
  /** What runs; without `threads`, which a bench sets itself. */
  readonly backend: BackendOptions;
  /** Numbers of threads to measure with: 1, and the largest. */
  readonly threads: readonly number[];
  /** Tells people how far the bench is. */
  progress(text: string): void;
}

/** The same backend with so many threads, where it has threads. */
export function withThreads(options: BackendOptions, threads: number): BackendOptions {
  const { backend } = options;
  return backend === 'gpu' || backend === 'reference' ? options : { ...options, threads };
}

/** A column of the table; its key names the value in each row. */
export interface Column {
  readonly key: string;
  readonly title: string;
  /** Of the numbers below it. 'share' is a fraction of 1, shown in percent. */
  readonly unit?: string;
}

export type Row = Readonly<Record<string, string | number | Summary>>;

export interface Plot {
  /** Added to the name of the file, where a bench has several. */
  readonly name?: string;
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly x: { readonly title: string; readonly values: readonly string[] };
  readonly y: { readonly title: string };
  /** A number per value of x; null where there is none. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

export interface Findings {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly plots: readonly Plot[];
  /** What has to be known to read the numbers. */
  readonly notes: readonly string[];
  /** What really ran, one for each engine that was opened. */
  readonly backends: readonly BackendReport[];
}

export interface Bench {
  /** One question, which the findings answer. */
  readonly question: string;
  run(context: Context): Promise<Findings>;
}

/** Runs benches and shows what they find: `quern bench`, `npm run bench`. */

import { availableParallelism } from 'node:os';
import { textTable } from '../src/cli/terminal/table.js';
import type { BackendName, BackendOptions, WasmOptions } from '../src/engine/options.js';
import { backendBenchNames, benchNames, loadBench } from './benches.js';
import type { Context } from './support/bench.js';
import { formatTable } from './support/format.js';
import { describeMachine, describeVersions } from './support/machine.js';
import type { Sampling } from './support/measure.js';
import { type BenchResult, writeResult } from './support/results.js';

export interface BenchOptions {
  /** Default: all. */
  readonly names?: readonly string[] | undefined;
  /** A few seconds for each, and numbers to match. Default false. */
  readonly quick?: boolean | undefined;
  /** 'all': every one that runs here, side by side, for the benches that have it. */
  readonly backend?: BackendName | 'all' | undefined;
  readonly gpuMode?: string | undefined;
  readonly simd?: WasmOptions['simd'];
  readonly native?: WasmOptions['native'];
  readonly revectorize?: WasmOptions['revectorize'];
  /** Kernels in the ways that are measured to be fastest. Default false. */
  readonly tune?: boolean | undefined;
  /** The largest number of threads; 1 is measured in any case. Default: all processors. */
  readonly threads?: number | undefined;
  /** Folder for results as JSON and SVG. Default: none are written. */
  readonly out?: string | undefined;
  /** Print one JSON object instead of tables. Default false. */
  readonly json?: boolean | undefined;
  /** Print the names and questions, measure nothing. Default false. */
  readonly list?: boolean | undefined;
}

const samplings: Readonly<Record<'full' | 'quick', Sampling>> = {
  full: { rounds: 15, seconds: 0.1, warmUpSeconds: 0.5 },
  quick: { rounds: 3, seconds: 0.02, warmUpSeconds: 0.1 },
};

/** A line that is written over, on a terminal; nothing elsewhere. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function optionsOf(backend: BackendName | undefined, options: BenchOptions): BackendOptions {
  const { gpuMode, simd, native, revectorize, tune } = options;
  if (backend === 'gpu' || (backend === undefined && gpuMode !== undefined))
    return { backend: 'gpu', gpuMode };
  if (backend === 'reference') return { backend };
  return { backend, simd, native, revectorize, ...(tune && { tuning: 'measured' }) };
}

/** What is measured, before it is. */
function contextOf(name: string, options: BenchOptions): Context {
  const { quick = false, threads = availableParallelism() } = options;
  const backend = options.backend === 'all' ? undefined : options.backend;
  const single = threads === 1 || (backend !== undefined && backend !== 'auto' && backend !== 'wasm');
  return {
    sampling: samplings[quick ? 'quick' : 'full'],
    quick,
    backend: optionsOf(backend, options),
    threads: single ? [1] : [1, threads],
    progress: (text) => progress(`${name}: ${text}`),
  };
}

/** Runs one bench. */
export async function runBench(name: string, context: Context): Promise<BenchResult> {
  const bench = await loadBench(name);
  const date = new Date().toISOString();
  const [machine, versions] = [describeMachine(), describeVersions()];
  const started = performance.now();
  const findings = await bench.run(context);
  const { quick, sampling } = context;
  const seconds = (performance.now() - started) / 1000;
  return {
    bench: name,
    question: bench.question,
    date,
    seconds,
    machine,
    versions,
    quick,
    sampling,
    ...findings,
  };
}

function show({
  bench,
  question,
  seconds,
  machine,
  versions,
  quick,
  backends,
  notes,
  ...table
}: BenchResult): void {
  const ran = [
    ...new Set(
      backends.map(({ backend, numerics, native, experimental }) =>
        [
          `${backend} (${numerics})`,
          ...(native === undefined ? [] : [`native ${native}`]),
          ...(experimental ? [experimental] : []),
        ].join(' '),
      ),
    ),
  ];
  const commit = versions.commit === undefined ? '' : ` at ${versions.commit}`;
  console.log(`\n${bench}: ${question}\n`);
  console.log(formatTable(table));
  console.log('');
  for (const note of notes) console.log(note);
  console.log(
    `${machine.cpu}, ${machine.processors} processors, load ${machine.load.toFixed(1)}; Node ${versions.node}; ` +
      `Quern ${versions.quern}${commit}${ran.length === 0 ? '' : `; ${ran.join(', ')}`}`,
  );
  console.log(
    `Medians, ± half the width between the quartiles. Took ${seconds.toFixed(0)} s${quick ? ', quick' : ''}.`,
  );
}

/**
 * Runs benches one after another and prints what they find.
 *
 * @throws UsageError for an unknown name, BackendError for a backend that cannot run here
 */
export async function runBenches(options: BenchOptions): Promise<void> {
  const { out, json = false, list = false } = options;
  const { names: given = [], backend } = options;
  const names = backend === 'all' ? backendBenchNames(given) : given.length === 0 ? benchNames : given;
  const benches = await Promise.all(names.map(loadBench));
  if (list) {
    const rows = benches.map(({ question }, i) => [names[i]!, question]);
    console.log(textTable({ header: ['bench', 'question'], rows }));
    return;
  }
  const results: BenchResult[] = [];
  for (const name of names) {
    const result = await runBench(name, contextOf(name, options));
    results.push(result);
    progress('');
    if (!json) show(result);
    if (out === undefined) continue;
    for (const path of await writeResult(out, result)) console.error(`written: ${path}`);
  }
  if (json) console.log(JSON.stringify({ results }, undefined, 2));
}

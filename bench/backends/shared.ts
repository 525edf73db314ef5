/** The same work on every backend and mode that runs here, beside wasm: `quern bench matmul --backend all`. */
import { sentenceOf } from '../../src/core/errors.js';
import type { BackendReport } from '../../src/engine/backend.js';
import { openBackend } from '../../src/engine/choose.js';
import { type CompiledStep, Engine } from '../../src/engine/engine.js';
import type { BackendOptions } from '../../src/engine/options.js';
import { type input, state } from '../../src/tensor/leaves.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';
import type { Bench, Context, Findings, Row } from '../support/bench.js';
import { ensure } from '../support/ensure.js';
import { interleave, rateOf, type Sample, secondsOf, speedUp } from '../support/measure.js';
import type { Summary } from '../support/statistics.js';

/** Work that grows. */
export interface Work {
  readonly size: number;
  /** What that means, for people. */
  readonly shapes: string;
  readonly flops: number;
  readonly inputs: readonly (readonly number[])[];
  build(inputs: readonly Tensor[]): readonly Tensor[];
}

interface Place {
  readonly name: string;
  readonly engine: Engine;
}

/** What one execution takes on a place, with operands and results that stay there, and with all of them carried. */
interface Measured {
  readonly compute: readonly Sample[];
  readonly whole: readonly Sample[];
}

/** Once an execution takes this long, larger ones are left out. */
const mostSeconds = 0.25;

const value = (i: number) => 0.5 / (i + 1);

/** wasm on all threads, then every mode of gpu.js that opens, or the one that was asked for. */
async function openPlaces({ backend, threads }: Context): Promise<{ places: Place[]; absent: string[] }> {
  const { gpuModes } = await import('../../src/backends/gpu/modes.js');
  const gpuMode = backend.backend === 'gpu' ? backend.gpuMode : undefined;
  const choices = backend.backend === 'auto' || backend.backend === undefined ? backend : {};
  const modes = gpuMode === undefined ? gpuModes : [gpuMode];
  const wanted: [string, BackendOptions][] = [
    ['wasm', { ...choices, backend: 'wasm', threads: Math.max(...threads) }],
    ...modes.map((mode): [string, BackendOptions] => [`gpu ${mode}`, { backend: 'gpu', gpuMode: mode }]),
  ];
  const places: Place[] = [];
  const absent: string[] = [];
  for (const [name, options] of wanted) {
    try {
      places.push({ name, engine: new Engine(await openBackend(options)) });
    } catch (error) {
      // what is asked for by name, and what the others are compared with, must be there
      if (name === 'wasm' || gpuMode !== undefined) {
        await Promise.all(places.map(({ engine }) => engine.close()));
        throw error;
      }
      absent.push(`${name} is not there: ${sentenceOf(error)}`);
    }
  }
  return { places, absent };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** The work with operands and results as leaves of the engine. */
function compileResident(engine: Engine, { inputs, build }: Work): { step: CompiledStep; results: Leaf[] } {
  const values = build(inputs.map((shape, i) => state(`operand ${i}`, shape, value(i))));
  const results = values.map(({ shape }, i) => state(`result ${i}`, shape, 0));
  const updates = values.map((tensor, i): [Leaf, Tensor] => [results[i]!, tensor]);
  return { step: engine.compile(() => ({ updates }), {}), results };
}

/** The work with operands that are fed and results that are fetched; gives a function that does it once. */
function compileCarried(
  engine: Engine,
  { inputs, build }: Work,
): () => Promise<Record<string, { data: unknown }>> {
  const signature = Object.fromEntries(inputs.map((shape, i) => [`operand ${i}`, { shape }]));
  const step = engine.compile((leaves: Readonly<Record<string, ReturnType<typeof input>>>) => {
    const outputs = build(inputs.map((_, i) => leaves[`operand ${i}`]!));
    return { outputs: Object.fromEntries(outputs.map((tensor, i) => [`result ${i}`, tensor])) };
  }, signature);
  const feeds = Object.fromEntries(
    inputs.map((shape, i) => [`operand ${i}`, new Float32Array(sizeOf(shape)).fill(value(i))]),
  );
  return () => step.run(feeds);
}

/** Measures one size on every place, turn by turn. */
async function measure(
  context: Context,
  work: Work,
  places: readonly Place[],
): Promise<Map<string, Measured>> {
  const prepared = places.map(({ name, engine }) => ({
    ...{ name, engine, once: compileCarried(engine, work) },
    ...compileResident(engine, work),
  }));
  const subjects = prepared.flatMap(({ name, step, once }) => [
    {
      name: `${name} compute`,
      run: async (repeats: number) => void (await step.run({}, { steps: repeats })),
    },
    {
      name: `${name} whole`,
      run: async (repeats: number) => {
        for (let i = 0; i < repeats; i++) await once();
      },
    },
  ]);
  const samples = await interleave(subjects, context.sampling, (round) =>
    context.progress(`${work.shapes}, round ${round} of ${context.sampling.rounds}`),
  );
  // both ways and all places give the same numbers, but for rounding
  const expected = await Promise.all(prepared[0]!.results.map((leaf) => prepared[0]!.engine.read(leaf)));
  for (const { name, engine, results, once } of prepared) {
    const carried = await once();
    for (const [i, leaf] of results.entries()) {
      const wantedValues = expected[i]!.data as Float32Array;
      const [resident, fetched] = [(await engine.read(leaf)).data, carried[`result ${i}`]!.data];
      for (const data of [resident, fetched] as Float32Array[]) {
        const right = data.every((number, at) => {
          const wanted = wantedValues[at]!;
          return Math.abs(number - wanted) <= 1e-4 * Math.abs(wanted);
        });
        ensure(right, `${work.shapes} has a wrong result on ${name}`);
      }
    }
  }
  return new Map(
    places.map(({ name }) => [
      name,
      { compute: samples.get(`${name} compute`)!, whole: samples.get(`${name} whole`)! },
    ]),
  );
}

/** What carrying operands and results adds, in milliseconds. */
function transferOf({ compute, whole }: Measured): number {
  return Math.max(0, secondsOf(whole).median - secondsOf(compute).median) * 1000;
}

const milliseconds = (samples: readonly Sample[]): Summary => {
  const { median, low, high, count } = secondsOf(samples);
  return { median: median * 1000, low: low * 1000, high: high * 1000, count };
};

/** The smallest size from which on a place is faster than wasm at every size that was measured, in words. */
function crossover(sizes: readonly number[], timesAsFast: readonly (number | undefined)[]): string {
  const measured = sizes.filter((_, i) => timesAsFast[i] !== undefined);
  const slower = sizes.filter((_, i) => timesAsFast[i] !== undefined && timesAsFast[i]! <= 1);
  const from = measured.find((size) => slower.every((other) => other < size));
  return from === undefined ? `never (up to ${measured.at(-1)})` : `from ${from}`;
}

/** A bench that does work of growing size everywhere. */
export function everywhere(
  question: string,
  title: string,
  of: string,
  worksOf: (quick: boolean) => readonly Work[],
): Bench {
  return {
    question,
    async run(context): Promise<Findings> {
      const works = worksOf(context.quick);
      const { places, absent } = await openPlaces(context);
      try {
        const results: Map<string, Measured>[] = [];
        let left = places;
        for (const work of works) {
          const measured = await measure(context, work, left);
          results.push(measured);
          left = left.filter(
            ({ name }) => name === 'wasm' || secondsOf(measured.get(name)!.compute).median < mostSeconds,
          );
        }
        return findingsOf(title, of, { works, places, results, absent });
      } finally {
        await Promise.all(places.map(({ engine }) => engine.close()));
      }
    },
  };
}

interface Measurements {
  readonly works: readonly Work[];
  readonly places: readonly Place[];
  readonly results: readonly Map<string, Measured>[];
  readonly absent: readonly string[];
}

function findingsOf(title: string, of: string, { works, places, results, absent }: Measurements): Findings {
  const sizes = works.map(({ size }) => size);
  const rows = works.flatMap(({ shapes, flops }, i): Row[] =>
    [...results[i]!].map(([backend, measured]) => ({
      ...{ shapes, backend },
      milliseconds: milliseconds(measured.compute),
      transfer: transferOf(measured),
      gflops: rateOf(measured.compute, flops / 1e9),
      timesAsFast: speedUp(measured.compute, results[i]!.get('wasm')!.compute),
      carried: speedUp(measured.whole, results[i]!.get('wasm')!.whole),
    })),
  );
  const median = (key: 'compute' | 'whole', name: string) =>
    results.map((measured) => {
      const own = measured.get(name);
      return own && speedUp(own[key], measured.get('wasm')![key]).median;
    });
  const crossings = places.slice(1).map(({ name }) => {
    const [there, carried] = [median('compute', name), median('whole', name)];
    return `${name} is faster than wasm ${crossover(sizes, there)}, with transfers ${crossover(sizes, carried)}: ${of}.`;
  });
  const backends: BackendReport[] = places.map(({ engine }) => engine.report);
  return {
    columns: [
      { key: 'shapes', title: 'work' },
      { key: 'backend', title: 'backend' },
      { key: 'milliseconds', title: 'compute', unit: 'ms' },
      { key: 'transfer', title: 'transfers', unit: 'ms' },
      { key: 'gflops', title: 'rate', unit: 'GFLOP/s' },
      { key: 'timesAsFast', title: 'times as fast as wasm' },
      { key: 'carried', title: 'with transfers' },
    ],
    rows,
    notes: [
      'A quiet machine is wanted: wasm runs on all threads, by the clock on the wall.',
      'Compute: operands and results stay with the backend. Transfers: what feeding and fetching all of them adds.',
      `What takes more than ${mostSeconds} s is not measured at larger sizes.`,
      ...crossings,
      ...places.flatMap(({ name, engine: { report } }) =>
        report.adapter === undefined ? [] : [`${name} is ${report.adapter}.`],
      ),
      ...absent.map((text) => `${text}.`),
    ],
    backends,
    plots: [
      {
        title,
        kind: 'line',
        x: { title: of, values: sizes.map(String) },
        y: { title: 'GFLOP/s' },
        series: places.map(({ name }) => ({
          name,
          values: works.map(({ flops }, i) => {
            const own = results[i]!.get(name);
            return own === undefined ? null : rateOf(own.compute, flops / 1e9).median;
          }),
        })),
      },
    ],
  };
}

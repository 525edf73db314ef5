/**
 * Trains in machine code and in WebAssembly, on 1 to 4 threads, and goes on in one with what the other has begun. Prints
 * what came of it as one line of JSON. Runs as a process of its own, in an engine with foreign functions.
 *
 *     node dist/test/engines/nativeTrainings.js
 */
import { wasmKernels } from '../../kernels/wasm.js';
import * as quern from '../../src/browser.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/training/files/checkpoint.js';
import { stripes, trainForParity } from '../support/parity.js';

export interface NativeTrainings {
  /** Hashes of weights by model: those of WebAssembly, then of machine code. */
  readonly trained: Readonly<Record<string, readonly string[]>>;
  /** Of trainings that were interrupted, or were not. */
  readonly resumed: readonly string[];
  /** What the report says of `native: 'auto'`. */
  readonly report: string | undefined;
  /** The lines of explain() of a step. */
  readonly explained: readonly string[];
  /** Of a step with a kernel that has no machine code: its loss and that of WebAssembly, report and explanation. */
  readonly beside: {
    readonly losses: readonly number[];
    readonly notNative: string | undefined;
    readonly explained: readonly string[];
  };
  /** Whether Node warned of nothing. */
  readonly silent: boolean;
}

let silent = true;
process.on('warning', () => {
  silent = false;
});

/** Those of `mnist-mlp`, and of the CNN with padding 'valid' and 'same'. */
const seedModels = {
  'seed mlp': () => {
    const { dense, flatten, relu } = quern;
    return [flatten(), dense(128), relu(), dense(128), relu(), dense(10)];
  },
  'seed cnn': () => seedCnn('valid'),
  'seed cnn, same': () => seedCnn('same'),
};
function seedCnn(padding: 'valid' | 'same') {
  const { conv2d, dense, dropout, flatten, maxPool2d, relu } = quern;
  return [
    ...[conv2d(32, 3, { padding }), relu(), maxPool2d(2), conv2d(64, 3, { padding }), relu(), maxPool2d(2)],
    ...[dropout(0.25), flatten(), dense(128), relu(), dropout(0.5), dense(10)],
  ];
}

const trained: Record<string, string[]> = {};
const report = await openAndReport('auto');
const widths = report === 'avx512' ? (['avx2', 'avx512'] as const) : (['avx2'] as const);
for (const model of ['mlp', 'cnn'] as const) {
  trained[model] = [(await trainForParity(quern, { model, engine: { native: 'off' } })).weightsSha256];
  for (const native of widths) {
    for (const threads of [1, 2, 3, 4]) {
      const { weightsSha256 } = await trainForParity(quern, { model, engine: { native, threads } });
      trained[model].push(weightsSha256);
    }
  }
}

for (const [name, model] of Object.entries(seedModels)) {
  trained[name] = [await trainSeed(model, { native: 'off' })];
  for (const native of widths)
    for (const threads of [1, 2, 3, 4]) trained[name].push(await trainSeed(model, { native, threads }));
}

/** A step or two of a seed model in its full size: which of them are cut into chunks depends on that. */
async function trainSeed(
  layers: () => quern.Layer[],
  options: { readonly native: 'off' | 'avx2' | 'avx512'; readonly threads?: number },
): Promise<string> {
  await using engine = await quern.openEngine({ backend: 'wasm', ...options });
  const training = { optimizer: quern.adam(0.001), epochs: 1, batchSize: 64, seed: 7 };
  const run = await quern.fit(engine, quern.sequential(layers()), stripes(96), training);
  return await run.weightsSha256();
}

async function openAndReport(native: 'auto' | 'on'): Promise<string | undefined> {
  const engine = await quern.openEngine({ backend: 'wasm', native });
  await engine.close();
  return engine.report.native;
}

/** A training that is cut off in one engine and goes on in another, or is not cut off at all. */
async function interrupted(first: 'on' | 'off', second?: 'on' | 'off'): Promise<string> {
  const { adam, conv2d, dense, fit, flatten, maxPool2d, openEngine, relu, sequential } = quern;
  const layers = () =>
    sequential([conv2d(8, 3), relu(), maxPool2d(2), flatten(), dense(32), relu(), dense(10)]);
  const options = { optimizer: adam(0.002), epochs: 2, batchSize: 32, seed: 5 };
  let bytes: Uint8Array | undefined;
  const train = async (native: 'on' | 'off', more: object) => {
    const engine = await openEngine({ backend: 'wasm', native });
    try {
      const run = await fit(engine, layers(), stripes(160), { ...options, ...more });
      return await run.weightsSha256();
    } finally {
      await engine.close();
    }
  };
  if (second === undefined) return train(first, {});
  const save = async (checkpoint: Parameters<typeof encodeCheckpoint>[0]) => {
    bytes = await encodeCheckpoint(checkpoint);
  };
  await train(first, { checkpoint: { save }, stepsPerRun: 1, timeLimit: 1e-6 });
  return train(second, { resume: await decodeCheckpoint(bytes!, 'last') });
}
const resumed = [
  await interrupted('off'),
  await interrupted('on'),
  await interrupted('on', 'off'),
  await interrupted('off', 'on'),
];

/** A step of a product and a reduction. */
async function small(native: 'on' | 'off') {
  await using engine = await quern.openEngine({ backend: 'wasm', native });
  const w = quern.parameter('w', [40, 24], quern.glorotUniform());
  const step = engine.compile(({ x }) => ({ outputs: { loss: quern.matmul(x!, w).relu().mean() } }), {
    x: { shape: [16, 40] },
  });
  const { loss } = await step.run({ x: new Float32Array(640).fill(1) });
  const explained = (await step.explain()).split('\n');
  return { loss: loss.data[0]!, explained, report: engine.report };
}
const { explained } = await small('on');

/** Reductions cannot be written, as far as machine code is asked for. */
async function withoutReductions() {
  const kernels: { reduce: typeof wasmKernels.reduce } = wasmKernels;
  const { reduce } = kernels;
  kernels.reduce = (call, options) => {
    if (options.machine !== undefined) throw new quern.BackendError('x64: no code for reductions');
    return reduce(call, options);
  };
  const { loss, explained, report } = await small('on');
  kernels.reduce = reduce;
  return { losses: [loss, (await small('off')).loss], notNative: report.notNative, explained };
}
const beside = await withoutReductions();

console.log(
  JSON.stringify({ trained, resumed, report, explained, beside, silent } satisfies NativeTrainings),
);

import * as assert from 'uvu/assert';
import { openGpu } from '../../../src/backends/gpu/index.js';
import { hostModes } from '../../../src/backends/gpu/modes.js';
import { openReference } from '../../../src/backends/reference/reference.js';
import * as quern from '../../../src/browser.js';
import type { HostArray } from '../../../src/core/dtype.js';
import { BackendError } from '../../../src/core/errors.js';
import { call, constantOf, input, random } from '../../../src/core/expression.js';
import { numericsVersion } from '../../../src/core/numerics.js';
import { broadcastView, sliceView, transposeView } from '../../../src/core/view.js';
import type { Backend, Program, Resident } from '../../../src/engine/backend.js';
import type { Plan } from '../../../src/plan/plan.js';
import { Leaf } from '../../../src/tensor/tensor.js';
import { type SeedTraining, trainSeedModel, worstDifference } from '../../support/seedTraining.js';
import { suite } from '../../support/suite.js';
import { PlanWriter, perceptronStep } from './plans.js';

const [x0, x1] = [input(0), input(1)];

interface Prepared {
  readonly program: Program;
  readonly residents: ReadonlyMap<Leaf, Resident>;
}

async function prepare(backend: Backend, plan: Plan): Promise<Prepared> {
  const residents = new Map<Leaf, Resident>();
  for (const { leaf } of plan.leaves) {
    if (leaf.kind !== 'input') residents.set(leaf, await backend.allocate(leaf, leaf.initial()));
  }
  return { program: await backend.prepare(plan, residents), residents };
}

function floats(kind: 'input' | 'state', name: string, values: readonly number[]): Leaf {
  return new Leaf(kind, name, { shape: [values.length], dtype: 'float32' }, () => Float32Array.from(values));
}

/** Asserts the class and the first line of the message that a promise rejects with; gives the error. */
async function rejects(
  promise: Promise<unknown>,
  type: new (message: string) => Error,
  message: string,
): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  assert.instance(error, type);
  assert.is(error!.message.split('\n')[0], message);
  return error!;
}

/** A counter that goes up by the fed `step`, and its value before as output. */
function counterPlan() {
  const writer = new PlanWriter();
  const count = floats('state', 'count', [1, 10]);
  const step = floats('input', 'step', [0, 0]);
  const value = writer.leaf(count);
  writer.update(count, writer.map(call('add', x0, x1), [value, writer.leaf(step)]));
  writer.output('before', value);
  return { plan: writer.plan(), count };
}

/** Losses of 20 steps of the perceptron 784-128-128-10, batch 32. */
async function trainPerceptron(backend: Backend): Promise<number[]> {
  const { program } = await prepare(backend, perceptronStep([784, 128, 128, 10], 160, 32, 0.3).plan);
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) {
    const indices = Int32Array.from({ length: 32 }, (_, i) => (step * 32 + i) % 160);
    losses.push((await program.run({ indices })).loss![0]!);
  }
  return losses;
}

/** Of the unoptimized plan on reference. */
async function seedLosses(options: Omit<SeedTraining, 'engine'>): Promise<readonly number[]> {
  const { losses } = await trainSeedModel(quern, {
    ...{ ...options, optimize: false },
    engine: { backend: 'reference' },
  });
  return losses;
}

/** Made once, for both modes. */
const referenceLosses = openReference().then(trainPerceptron);

for (const mode of hostModes) {
  suite(`backends/gpu in gpu.js's mode ${mode}`, (test) => {
    let gpu: Backend;
    test.before(async () => {
      gpu = await openGpu({ gpuMode: mode });
    });
    test.after(() => gpu.close());

    const fetch = async (plan: Plan, feeds: Record<string, HostArray> = {}) =>
      (await prepare(gpu, plan)).program.run(feeds);

    test('reports what runs', () => {
      const arithmetic = {
        cpu: 'float64 arithmetic, float32 storage',
        webasm: 'float32 arithmetic and storage',
      };
      assert.equal(gpu.report, {
        backend: 'gpu',
        mode,
        threads: 1,
        numerics: `gpu.js ${mode} ${numericsVersion}: ${arithmetic[mode]}`,
        fallback: `gpu.js's mode ${mode} runs on the CPU: nothing is resident on a device`,
      });
      assert.equal(gpu.limits, { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false });
    });

    test("20 training steps of the multilayer perceptron follow the reference's loss", async () => {
      const losses = await trainPerceptron(gpu);
      const expected = await referenceLosses;
      losses.forEach((loss, step) => {
        const error = Math.abs(loss - expected[step]!) / expected[step]!;
        assert.ok(error <= 1e-5, `step ${step}: ${loss} for ${expected[step]}`);
      });
      assert.ok(losses.at(-1)! < 0.5 * losses[0]!, `from ${losses[0]} to ${losses.at(-1)}`);
    });

    test('how steps are grouped into runs changes no bytes', async () => {
      const { plan, parameters } = perceptronStep([30, 17, 5], 40, 7, 0.2);
      const indices = Int32Array.from({ length: 4 * 7 }, (_, i) => (i * 11) % 40);
      const [together, apart] = [await prepare(gpu, plan), await prepare(gpu, plan)];
      const finished: number[] = [];
      const last = await together.program.run({ indices }, { steps: 4, onProgress: (n) => finished.push(n) });
      assert.equal(finished, [1, 2, 3, 4]);
      for (let step = 0; step < 4; step++) {
        const fetched = await apart.program.run({ indices: indices.slice(step * 7, (step + 1) * 7) });
        if (step === 3) assert.equal(fetched, last);
      }
      for (const parameter of parameters) {
        const value = await together.residents.get(parameter)!.read();
        assert.equal(value, await apart.residents.get(parameter)!.read());
        assert.not.equal(value, parameter.initial());
      }
    });

    test('updates take effect together, at the end of the step', async () => {
      const writer = new PlanWriter();
      const [a, b] = [floats('state', 'a', [1, 2]), floats('state', 'b', [3, 4])];
      const [left, right] = [writer.leaf(a), writer.leaf(b)];
      writer.update(a, right);
      writer.update(b, left);
      writer.output('left', left);
      const { program, residents } = await prepare(gpu, writer.plan());
      assert.equal(await program.run({}), { left: Float32Array.of(1, 2) });
      assert.equal(await residents.get(a)!.read(), Float32Array.of(3, 4));
      assert.equal(await residents.get(b)!.read(), Float32Array.of(1, 2));
    });

    test('what the host feeds or writes is copied', async () => {
      const writer = new PlanWriter();
      const kept = floats('state', 'kept', [0, 0]);
      const fed = writer.leaf(floats('input', 'fed', [0, 0]));
      writer.output('before', writer.leaf(kept));
      writer.update(kept, fed);
      const { program, residents } = await prepare(gpu, writer.plan());
      const values = Float32Array.of(5, 6);
      await program.run({ fed: values });
      values.fill(-1);
      assert.equal(await residents.get(kept)!.read(), Float32Array.of(5, 6));
      await residents.get(kept)!.write(values);
      values.fill(-2);
      assert.equal(await residents.get(kept)!.read(), Float32Array.of(-1, -1));
    });

    test('outputs are read through their view, in their dtype', async () => {
      const writer = new PlanWriter();
      const table = new Leaf('input', 'table', { shape: [2, 3], dtype: 'int32' }, () => new Int32Array(6));
      const operand = writer.leaf(table);
      const turned = { slot: operand.slot, ...transposeView(operand, [1, 0]) };
      const part = { slot: operand.slot, ...sliceView(operand, [1, 2], [1, -1], [1, 3]) };
      const huge = writer.leaf(floats('input', 'huge', [0, 0, 0]));
      writer.output('turned', turned, 'int32');
      writer.output('part', part, 'int32');
      writer.output(
        'bytes',
        writer.map(call('add', input(0, 'int32'), input(0, 'int32')), [turned], 'uint8'),
        'uint8',
      );
      writer.output('saturated', writer.map(call('toInt', x0), [huge], 'int32'), 'int32');
      const feeds = { table: Int32Array.of(1, 2, 3, 100, 200, 300), huge: Float32Array.of(1e10, -1e10, NaN) };
      assert.equal(await fetch(writer.plan(), feeds), {
        turned: Int32Array.of(1, 100, 2, 200, 3, 300),
        part: Int32Array.of(300, 200, 100),
        bytes: Uint8Array.of(2, 200, 4, 400, 6, 600),
        saturated: Int32Array.of(2147483647, -2147483648, 0),
      });
    });

    test('random numbers are those of the definition', async () => {
      const writer = new PlanWriter();
      const step = writer.leaf(
        new Leaf('input', 'step', { shape: [], dtype: 'int32' }, () => new Int32Array(1)),
      );
      const everywhere = { slot: step.slot, ...broadcastView(step, [5, 7]) };
      writer.output('numbers', writer.map(random(0xdeadbeef, input(0, 'int32')), [everywhere]));
      const plan = writer.plan();
      const reference = await openReference();
      const feeds = { step: Int32Array.of(3) };
      assert.equal(await fetch(plan, feeds), await (await prepare(reference, plan)).program.run(feeds));
      const { program } = await prepare(gpu, plan);
      assert.is(program.explain(), 'map (map): on the host, for its random numbers');
      await reference.close();
    });

    test('explains how each step is laid out', async () => {
      const writer = new PlanWriter();
      const [a, b] = [
        new Leaf('input', 'a', { shape: [4, 5], dtype: 'float32' }, () => new Float32Array(20)),
        floats('state', 'b', []),
      ];
      const left = writer.leaf(a);
      const turned = { slot: left.slot, ...transposeView(left, [1, 0]) };
      writer.output('product', writer.step('matmul', {}, [left, turned], [4, 4]));
      writer.output('nothing', writer.map(x0, [writer.leaf(b)]));
      writer.output('one', writer.step('map', { expressions: [constantOf(1)] }, [], [6]));
      const { program } = await prepare(gpu, writer.plan());
      assert.is(
        program.explain(),
        [
          `matmul (matmul): gpu.js ${mode}, threads [4, 4] from tables [4, 5], [4, 5]`,
          'map (map): nothing to compute',
          `map (map): gpu.js ${mode}, threads [1, 6]`,
        ].join('\n'),
      );
      const { nothing, one } = await program.run({ a: new Float32Array(20) });
      assert.equal([nothing, one], [new Float32Array(0), new Float32Array(6).fill(1)]);
    });

    test('a signal ends the run at a step boundary', async () => {
      const { plan, count } = counterPlan();
      const { program, residents } = await prepare(gpu, plan);
      const abort = new AbortController();
      const reason = new Error('enough');
      const onProgress = (finished: number) => finished === 2 && abort.abort(reason);
      const step = Float32Array.of(1, 1, 1, 1, 1, 1);
      try {
        await program.run({ step }, { steps: 3, signal: abort.signal, onProgress });
        assert.unreachable('should have ended');
      } catch (error) {
        assert.is(error, reason);
      }
      assert.equal(await residents.get(count)!.read(), Float32Array.of(3, 12));
    });

    test('an assemble of more inputs than a kernel takes is several kernels', async () => {
      const writer = new PlanWriter();
      const parts = Array.from({ length: 15 }, (_, i) => floats('input', `x${i}`, [0, 0]));
      const placements = parts.map((_, i) => ({ start: [2 * i + 1], step: [1] }));
      const inputs = parts.map((part) => writer.leaf(part));
      writer.output('y', writer.step('assemble', { fill: -1, placements }, inputs, [32]));
      const feeds = Object.fromEntries(parts.map(({ name }, i) => [name, Float32Array.of(i, i + 0.5)]));
      const y = Float32Array.from({ length: 32 }, (_, i) => (i === 0 || i === 31 ? -1 : (i - 1) / 2));
      assert.equal(await fetch(writer.plan(), feeds), { y });
      const { program } = await prepare(gpu, writer.plan());
      assert.match(program.explain(), 'threads [1, 32], 3 kernels from tables');
    });

    test('some steps of both seed models follow the definitions', async () => {
      for (const [model, batch, steps] of [
        ['mlp', 32, 8],
        ['cnn', 8, 2],
      ] as const) {
        const options = { model, batch, steps, optimizer: 'sgd' } as const;
        const engine = { backend: 'gpu', gpuMode: mode } as const;
        const actual = await trainSeedModel(quern, { ...options, engine });
        const expected = await seedLosses(options);
        assert.is(actual.report.mode, mode);
        assert.ok(worstDifference(actual.losses, expected) < 1e-3, `${model}: ${actual.losses}`);
      }
    });

    test('steps that gpu.js cannot carry out are refused', async () => {
      const pair = new PlanWriter();
      const a = pair.leaf(floats('input', 'a', [1]));
      pair.output('y', pair.step('map', { expressions: [x0, x0] }, [a], [1], 'float32', 2));
      const two = 'gpu: a gpu.js kernel has one output: map (map) has 2';
      await rejects(prepare(gpu, pair.plan()), BackendError, two);

      const fused = new PlanWriter();
      const b = fused.leaf(floats('input', 'b', [1]));
      const prologue = call('multiply', x0, random(1, constantOf(0, 'int32')));
      fused.output('y', fused.step('reduce', { operation: 'sum', axes: [0], prologue }, [b], []));
      const noRandom = 'gpu: a random number cannot be made inside a gpu.js kernel';
      await rejects(prepare(gpu, fused.plan()), BackendError, noRandom);
    });

    test('integers that float32 would round are refused', async () => {
      const writer = new PlanWriter();
      const seed = new Leaf('input', 'seed', { shape: [2], dtype: 'int32' }, () => new Int32Array(2));
      writer.output('seed', writer.leaf(seed), 'int32');
      const { program } = await prepare(gpu, writer.plan());
      const largest = Int32Array.of(16777216, -16777216);
      assert.equal(await program.run({ seed: largest }), { seed: largest });
      const message = 'gpu: seed has int32 values beyond ±16777216';
      await rejects(program.run({ seed: Int32Array.of(0, 16777217) }), BackendError, message);
    });

    test('a released leaf has no value', async () => {
      const leaf = floats('state', 'layers.0.bias', [1, 2]);
      const resident = await gpu.allocate(leaf, leaf.initial());
      resident.release();
      await rejects(resident.read(), BackendError, 'gpu: state layers.0.bias float32[2] was released');
    });

    test('a leaf without a resident of this backend is refused', async () => {
      const { plan, count } = counterPlan();
      const message = 'gpu: state count float32[2] has no resident of this backend';
      await rejects(gpu.prepare(plan, new Map()), BackendError, message);
      const reference = await openReference();
      const foreign = new Map([[count, await reference.allocate(count, count.initial())]]);
      await rejects(gpu.prepare(plan, foreign), BackendError, message);
      await reference.close();
    });

    test('a closed backend refuses everything', async () => {
      const closing = await openGpu({ gpuMode: mode });
      const { plan, count } = counterPlan();
      const { program, residents } = await prepare(closing, plan);
      const step = Float32Array.of(1, 1);
      await closing.close();
      await closing.close();
      const message = 'gpu: the backend is closed';
      await rejects(program.run({ step }), BackendError, message);
      await rejects(closing.prepare(plan, residents), BackendError, message);
      await rejects(closing.allocate(count, count.initial()), BackendError, message);
      await rejects(residents.get(count)!.read(), BackendError, message);
      await rejects(residents.get(count)!.write(step), BackendError, message);
    });
  });
}

suite('backends/gpu: opening', (test) => {
  test('a mode that gpu.js does not have is an error', async () => {
    const message = "gpu: gpu.js has no mode 'gpu': webgpu, webgl2, webgl, headlessgl, webasm, cpu";
    await rejects(openGpu({ gpuMode: 'gpu' }), BackendError, message);
  });

  test('a mode that is asked for by name is not replaced', async () => {
    for (const gpuMode of ['webgl2', 'webgl']) {
      const message = `gpu: ${gpuMode} runs in browsers: there is no canvas here`;
      await rejects(openGpu({ gpuMode }), BackendError, message);
    }
  });

  test('without a name: hardware, or else a mode on the CPU, with the reasons', async () => {
    const gpu = await openGpu();
    const { mode, adapter, fallback } = gpu.report;
    if (adapter === undefined) {
      assert.is(mode, 'webasm');
      assert.match(
        fallback!,
        /^gpu\.js's mode webasm runs on the CPU: .*; no GPU \(webgpu: .*webgl2: webgl2 runs in browsers.*headlessgl: /,
      );
    } else assert.is(fallback, undefined);
    await gpu.close();
  });

  test('a mode that gpu.js refuses is an error', async () => {
    const { WebAssembly } = globalThis;
    Reflect.deleteProperty(globalThis, 'WebAssembly');
    try {
      const refused = openGpu({ gpuMode: 'webasm' });
      const error = await rejects(refused, BackendError, 'gpu: gpu.js refuses its mode webasm');
      assert.instance(error.cause, Error);
    } finally {
      Object.assign(globalThis, { WebAssembly });
    }
  });
});

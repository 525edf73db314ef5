/** No value of a training is subnormal, however long it goes on (docs/decisions/0017-small-numbers-count-as-zero.md). */
import * as assert from 'uvu/assert';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { openEngine } from '../../src/engine/engine.js';
import { relu } from '../../src/nn/layers/activations.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { adadelta } from '../../src/optimizers/adadelta.js';
import { adagrad } from '../../src/optimizers/adagrad.js';
import { adam, adamW } from '../../src/optimizers/adam.js';
import { muon } from '../../src/optimizers/muon.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { rmsprop } from '../../src/optimizers/rmsprop.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { parameter, state } from '../../src/tensor/leaves.js';
import { abs, greater, less, multiply } from '../../src/tensor/ops/pointwise.js';
import { sum } from '../../src/tensor/ops/reduce.js';
import { reachable } from '../../src/tensor/reachable.js';
import { Leaf, type Tensor } from '../../src/tensor/tensor.js';
import { ResidentFeed } from '../../src/training/feeds/resident.js';
import { Averages } from '../../src/training/fit/averages.js';
import { FitStep } from '../../src/training/fit/step.js';
import { trainingStep } from '../../src/training/trainingStep.js';
import { suite } from '../support/suite.js';

const isSubnormal = (x: number) => x !== 0 && Math.abs(x) < 2 ** -126;

/** The number of elements that are subnormal. */
const countSubnormal = (x: Tensor) => sum(multiply(greater(abs(x), 0), less(abs(x), 2 ** -126)));

/** All values of float32 that a kernel computes on the way to `roots`. */
function computed(roots: readonly Tensor[]): Tensor[] {
  return reachable(roots).filter((node) => !(node instanceof Leaf) && node.dtype === 'float32');
}

/** Ops whose unoptimized plan has a value of its own where an optimized one has none: what is flushed at once. */
const flushedNext = (nodes: readonly Tensor[]) =>
  new Set(nodes.filter(({ op }) => op.name === 'flush').flatMap(({ inputs }) => inputs));

const optimizers: Readonly<Record<string, Optimizer>> = {
  sgd: sgd({ learningRate: 0.1, momentum: 0.9 }),
  nesterov: sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: adam(0.01),
  adamW: adamW(0.01),
  rmsprop: rmsprop({ learningRate: 0.003, momentum: 0.5, centered: true }),
  adagrad: adagrad(0.1),
  adadelta: adadelta(1),
  muon: muon(0.01),
};

/** 48 images of 8 by 8 with labels that mean nothing. */
const images = Uint8Array.from({ length: 48 * 64 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 9) % 256);
const labels = Uint8Array.from({ length: 48 }, (_, i) => (Math.imul(i + 7, 0x85ebca6b) >>> 13) % 10);
const batch = { images, labels, learningRate: 0 };
const signature = {
  images: { shape: [48, 8, 8, 1], dtype: 'uint8' },
  labels: { shape: [48], dtype: 'uint8' },
  learningRate: { shape: [] },
} as const;

const mnist = await loadDataset('mnist', { offline: true, limit: 512 }).catch(() => undefined);

suite('subnormal numbers', (test) => {
  for (const [name, optimizer] of Object.entries(optimizers)) {
    test(`${name}: labels learned by heart and units that die leave none in any value of a step`, async () => {
      await using engine = await openEngine({ backend: 'wasm', threads: 1 });
      const layers = sequential([
        flatten(),
        dense(32),
        batchNorm({ momentum: 0.9 }),
        relu(),
        dense(24),
        relu(),
        dense(10),
      ]);
      const model = new Model(layers, [8, 8, 1], 5);
      const built = optimizer.build(model.parameters);
      const averages = new Averages(model, 0.9);
      const steps = state('steps', [], 0, 'int32');
      let counted: Tensor[] = [];
      const trace = ({ images, labels, learningRate }: Record<keyof typeof signature, Leaf>) => {
        const { updates, next } = trainingStep(model, built, { images, labels, learningRate, steps });
        return [...updates, ...averages.updates(updates, next), [steps, next]] as [Leaf, Tensor][];
      };
      const train = engine.compile((inputs) => ({ updates: trace(inputs) }), signature);
      const look = engine.compile((inputs) => {
        const nodes = computed(trace(inputs).map(([, value]) => value));
        const passing = flushedNext(nodes);
        counted = nodes.filter((node) => !passing.has(node));
        return { outputs: Object.fromEntries(counted.map((node, i) => [`${i}`, countSubnormal(node)])) };
      }, signature);
      const feeds = { ...batch, learningRate: optimizer.learningRate };
      const bias = model.parameters.find(({ name: path }) => path === 'layers.4.bias')!;
      const residents = [...model.parameters, ...model.states, ...built.states, ...averages.model.states];
      for (const [round, count] of [100, 750].entries()) {
        for (let i = 0; i < count; i++) await train.run(feeds);
        // half of the units of a layer never answer again
        if (round === 0)
          await engine.write(
            bias,
            new Float32Array(24).map((_, i) => (i % 2 === 0 ? -1e4 : 0)),
          );
        const counts = await look.run(feeds);
        const found = counted.filter((_, i) => counts[`${i}`]!.get() > 0).map(String);
        assert.equal(found, [], 'values of a step');
        for (const leaf of residents) {
          const values = (await engine.read(leaf)).data as Float32Array;
          assert.is(values.filter(isSubnormal).length, 0, `${leaf.name} after ${count} steps`);
        }
      }
    });

    test(`${name}: states near the threshold, gradients from 1e-23 to 1e-19, become no subnormal number`, async () => {
      for (const backend of ['wasm', 'reference'] as const) {
        await using engine = await openEngine({ backend });
        const shape = [32, 16];
        const size = 512;
        const weights = parameter(
          'weights',
          shape,
          Float32Array.from({ length: size }, (_, i) => 10 ** (-25 - (i % 13))),
        );
        const built = optimizer.build([weights]);
        const steps = state('steps', [], 0, 'int32');
        const train = engine.compile(
          ({ g, rate }) => {
            const next = steps.add(1);
            return { updates: [...built.updates([g], rate, next), [steps, next]] };
          },
          { g: { shape }, rate: { shape: [] } },
        );
        for (const leaf of built.states) {
          const near = Float32Array.from({ length: leaf.size }, (_, i) => 2 ** (-98 - (i % 30)));
          await engine.write(leaf, near);
        }
        for (let i = 0; i < 12; i++) {
          const g = Float32Array.from({ length: size }, (_, j) =>
            j % 3 === 0 ? 0 : (-1) ** j * 10 ** (-19 - ((i + j) % 5)),
          );
          await train.run({ g, rate: optimizer.learningRate });
          for (const leaf of [weights, ...built.states]) {
            const values = (await engine.read(leaf)).data as Float32Array;
            assert.is(
              values.filter(isSubnormal).length,
              0,
              `${leaf.name} on ${backend} after ${i + 1} steps`,
            );
          }
        }
      }
    });
  }

  if (mnist === undefined) {
    test.unavailable('MNIST learned by heart', 'MNIST is not on this machine');
    return;
  }
  test('MNIST learned by heart leaves none in weights and moments', async () => {
    await using engine = await openEngine({ backend: 'wasm', threads: 1 });
    const model = new Model(sequential([flatten(), dense(32), relu(), dense(10)]), [28, 28, 1], 5);
    const { optimizer, data } = { optimizer: adam(0.003), data: mnist.train };
    const step = new FitStep(engine, model, new ResidentFeed(data), { optimizer });
    const steps = 1200;
    const indices = Int32Array.from({ length: 64 * steps }, (_, i) => i % data.count);
    const learningRate = new Float32Array(steps).fill(optimizer.learningRate);
    await step.compile(64).run({ indices, learningRate }, { steps });
    for (const leaf of step.leaves().values()) {
      const { data: values } = await engine.read(leaf);
      if (values instanceof Float32Array) assert.is(values.filter(isSubnormal).length, 0, leaf.name);
    }
  });
});

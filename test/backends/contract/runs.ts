/** The contract of programs: how they share residents and memory, grouping of steps, signals, progress. */
import * as assert from 'uvu/assert';
import type { Backend, Feeds } from '../../../src/engine/backend.js';
import { gradients } from '../../../src/tensor/gradients.js';
import { input, parameter, state } from '../../../src/tensor/leaves.js';
import { softmaxCrossEntropy } from '../../../src/tensor/ops/softmax.js';
import type { Leaf } from '../../../src/tensor/tensor.js';
import { rejection } from './handPlans.js';
import { Bench, type ContractRow, floats, integers, noise, sameBytes } from './support.js';

/** w ← w + 1, with the old w as output. */
function counter() {
  const w = state('w', [2], floats(0, 10));
  return { w, wanted: { outputs: { before: w }, updates: [[w, w.add(1)]] } } as const;
}

/** A classifier of 30 numbers into 5 classes with momentum, and inputs of every dtype and rank. */
function classifier() {
  const [batch, pixels, hidden, classes] = [7, 30, 17, 5];
  const images = input('images', [batch, pixels], 'uint8');
  const labels = input('labels', [batch], 'int32');
  const rate = input('rate', []);
  const seen = state('seen', [], 0, 'int32');
  const first = parameter('first', [pixels, hidden], noise(pixels * hidden));
  const second = parameter('second', [hidden, classes], noise(hidden * classes, 2));
  const logits = images
    .cast('float32')
    .multiply(1 / 255)
    .matmul(first)
    .relu()
    .matmul(second);
  const loss = softmaxCrossEntropy(logits, labels).mean();
  const updates: [Leaf, Leaf | ReturnType<Leaf['add']>][] = [[seen, seen.add(batch)]];
  gradients(loss, [first, second]).forEach((gradient, i) => {
    const weights = [first, second][i]!;
    const moment = state(`${weights.name}.moment`, weights.shape, 0);
    const newMoment = moment.multiply(0.9).add(gradient);
    updates.push([moment, newMoment], [weights, weights.subtract(newMoment.multiply(rate))]);
  });
  const feedsOf = (steps: number) => ({
    images: Uint8Array.from({ length: steps * batch * pixels }, (_, i) => (i * 89) % 256),
    labels: Int32Array.from({ length: steps * batch }, (_, i) => (i * 3) % classes),
    rate: Float32Array.from({ length: steps }, (_, i) => 0.1 / (i + 1)),
  });
  const sliceOf = (feeds: ReturnType<typeof feedsOf>, step: number) => ({
    images: feeds.images.subarray(step * batch * pixels, (step + 1) * batch * pixels),
    labels: feeds.labels.subarray(step * batch, (step + 1) * batch),
    rate: feeds.rate.subarray(step, step + 1),
  });
  return { wanted: { outputs: { loss }, updates }, leaves: updates.map(([leaf]) => leaf), feedsOf, sliceOf };
}

/** A program over `size` rows that fills most of its memory, and what it gives for `feeds`. */
async function stack(bench: Bench, weights: Leaf, rows: number) {
  const x = input('x', [rows, 4]);
  const hidden = x.matmul(weights).add(1);
  const y = hidden.matmul(weights.transpose()).add(hidden.sum(1, true));
  const feeds = { x: noise(rows * 4, rows) };
  return { program: await bench.prepare({ outputs: { y } }), feeds };
}

async function abortAt(backend: Backend, at: number, total: number) {
  const { w, wanted } = counter();
  const bench = new Bench(backend);
  const program = await bench.prepare(wanted);
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = (finished: number) => {
    if (finished === at) controller.abort(reason);
  };
  const run = program.run({}, { steps: total, signal: controller.signal, onProgress });
  return { bench, program, w, run, reason };
}

export const runRows: readonly ContractRow[] = [
  {
    name: 'plans that share residents see what each other wrote',
    async check(backend) {
      const bench = new Bench(backend);
      const w = parameter('w', [2], 1);
      const g = input('g', [2]);
      const train = await bench.prepare({ updates: [[w, w.subtract(g)]] });
      const evaluate = await bench.prepare({ outputs: { y: w.multiply(10) } });
      await train.run({ g: floats(-1, -2) });
      assert.equal(await evaluate.run({}), { y: floats(20, 30) });
      await (await bench.resident(w)).write(floats(7, 8));
      assert.equal(await evaluate.run({}), { y: floats(70, 80) });
      await train.run({ g: floats(1, 1) });
      assert.equal(await evaluate.run({}), { y: floats(60, 70) });
    },
  },
  {
    name: 'programs by turns, prepared from small to large and back, give the same every time',
    async check(_, open) {
      const backend = await open();
      const bench = new Bench(backend);
      const weights = parameter('weights', [4, 6], noise(24));
      const { program: small, feeds: few } = await stack(bench, weights, 3);
      const alone = await small.run(few);
      // large enough for the memory to grow and its parts to move
      const { program: large, feeds: many } = await stack(bench, weights, 20000);
      const first = await large.run(many);
      const others = [];
      for (const rows of [700, 5, 30000]) others.push(await stack(bench, weights, rows));
      for (const { program, feeds } of others) await program.run(feeds);
      for (let turn = 0; turn < 2; turn++) {
        sameBytes((await small.run(few)).y!, alone.y!);
        sameBytes((await large.run(many)).y!, first.y!);
        for (const { program, feeds } of others) await program.run(feeds);
      }
      // row by row the same numbers, whatever the number of rows
      const part = await small.run({ x: many.x.slice(0, 12) });
      sameBytes(part.y!, first.y!.slice(0, 12));
      await backend.close();
    },
  },
  {
    name: 'many steps in one run give the bytes of as many runs',
    async check(backend) {
      const steps = 6;
      const [together, apart] = [classifier(), classifier()];
      const [one, other] = [new Bench(backend), new Bench(backend)];
      const feeds = together.feedsOf(steps);
      const last = await one.run(together.wanted, feeds, { steps });
      const program = await other.prepare(apart.wanted);
      for (let step = 0; step < steps; step++) {
        const fetched = await program.run(apart.sliceOf(feeds, step));
        if (step === steps - 1) assert.equal(fetched, last);
      }
      for (const [i, leaf] of together.leaves.entries()) {
        const value = await one.read(leaf);
        assert.equal(value, await other.read(apart.leaves[i]!), leaf.name);
        assert.not.equal(value, leaf.initial(), leaf.name);
      }
      assert.equal(await one.read(together.leaves[0]!), integers(steps * 7));
    },
  },
  {
    name: 'a run of one step takes steps: 1, and feeds may be longer arrays seen through a window',
    async check(backend) {
      const x = input('x', [2]);
      const program = await new Bench(backend).prepare({ outputs: { y: x.add(1) } });
      const window = floats(1, 2, 3, 4).subarray(1, 3);
      assert.equal(await program.run({ x: window }, { steps: 1 }), { y: floats(3, 4) });
      assert.equal(await program.run({ x: floats(1, 2, 3, 4).subarray(2) }), { y: floats(4, 5) });
    },
  },
  {
    name: 'a signal ends the run between two steps: what was done stays, and the backend works on',
    async check(backend) {
      const { bench, program, w, run, reason } = await abortAt(backend, 3, 10);
      assert.is(await rejection(run), reason);
      assert.equal(await bench.read(w), floats(3, 13));
      assert.equal(await program.run({}, { steps: 2 }), { before: floats(4, 14) });
      const first = await abortAt(backend, 1, 1000);
      assert.is(await rejection(first.run), first.reason);
      assert.equal(await first.bench.read(first.w), floats(1, 11));
    },
  },
  {
    name: 'a signal that comes after the last step does not spoil the run',
    async check(backend) {
      const { bench, w, run } = await abortAt(backend, 4, 4);
      assert.equal(await run, { before: floats(3, 13) });
      assert.equal(await bench.read(w), floats(4, 14));
    },
  },
  {
    name: 'a signal that was given before means that nothing is done',
    async check(backend) {
      const { w, wanted } = counter();
      const bench = new Bench(backend);
      const program = await bench.prepare(wanted);
      const signal = AbortSignal.abort(new Error('never mind'));
      assert.is(await rejection(program.run({}, { steps: 3, signal })), signal.reason);
      assert.equal(await bench.read(w), floats(0, 10));
    },
  },
  {
    name: 'a long run lets timers in, so a signal can come from outside',
    async check(backend) {
      const { w, wanted } = counter();
      const bench = new Bench(backend);
      const program = await bench.prepare(wanted);
      const signal = AbortSignal.timeout(20);
      const run = program.run({}, { steps: 1e9, signal });
      assert.is(((await rejection(run)) as Error).name, 'TimeoutError');
      const [low, high] = await bench.read(w);
      assert.ok(low! > 0 && high === low! + 10, `${low} and ${high}`);
    },
  },
  {
    name: 'progress goes up to the number of steps',
    async check(backend) {
      const { wanted } = counter();
      const program = await new Bench(backend).prepare(wanted);
      const told: number[] = [];
      await program.run({}, { steps: 50, onProgress: (finished) => told.push(finished) });
      assert.is(told.at(-1), 50);
      assert.ok(told.every((finished, i) => finished > (told[i - 1] ?? 0)));
    },
  },
  {
    name: 'an error in onProgress rejects the run between two steps, and the backend works on',
    async check(backend) {
      const { w, wanted } = counter();
      const bench = new Bench(backend);
      const program = await bench.prepare(wanted);
      const reason = new Error('the bar broke');
      const onProgress = (finished: number) => {
        if (finished === 2) throw reason;
      };
      assert.is(await rejection(program.run({}, { steps: 5, onProgress })), reason);
      assert.equal(await bench.read(w), floats(2, 12));
      assert.equal(await program.run({}), { before: floats(2, 12) });
    },
  },
  {
    name: 'a plan without kernels, and one without anything',
    async check(backend) {
      const bench = new Bench(backend);
      const [a, x] = [state('a', [2], floats(1, 2)), input('x', [2])];
      const feeds: Feeds = { x: floats(3, 4, 5, 6, 7, 8) };
      assert.equal(await bench.run({ outputs: { a, x } }, feeds, { steps: 3 }), {
        a: floats(1, 2),
        x: floats(7, 8),
      });
      assert.equal(await bench.run({}, {}, { steps: 3 }), {});
    },
  },
  {
    name: 'two backends are independent of each other',
    async check(backend, open) {
      const other = await open();
      const { w, wanted } = counter();
      const [here, there] = [new Bench(backend), new Bench(other)];
      await here.run(wanted, {}, { steps: 3 });
      await there.run(wanted, {}, { steps: 5 });
      assert.equal(await here.read(w), floats(3, 13));
      assert.equal(await there.read(w), floats(5, 15));
      assert.equal(other.report, backend.report);
      await other.close();
      assert.equal(await here.read(w), floats(3, 13));
    },
  },
];

/** Training steps for the tests of the wasm backend, with weights and feeds that have no pattern. */
import { openWasm, type WasmBackendOptions } from '../../../src/backends/wasm/wasm.js';
import { allocateHost, type HostArray } from '../../../src/core/dtype.js';
import type { Backend, Feeds, Program } from '../../../src/engine/backend.js';
import type { Traced } from '../../../src/plan/lower.js';
import { gradients } from '../../../src/tensor/gradients.js';
import { input, parameter, state } from '../../../src/tensor/leaves.js';
import { concatenate, pad } from '../../../src/tensor/ops/assemble.js';
import { conv2d } from '../../../src/tensor/ops/conv2d.js';
import { gather, oneHot } from '../../../src/tensor/ops/gather.js';
import { averagePool2d } from '../../../src/tensor/ops/pool.js';
import { softmaxCrossEntropy } from '../../../src/tensor/ops/softmax.js';
import type { Leaf } from '../../../src/tensor/tensor.js';
import { Bench, noise } from '../contract/support.js';

/** A program with its residents, and the values that are fed. */
export interface Training {
  readonly backend: Backend;
  readonly program: Program;
  readonly inputs: readonly Leaf[];
  readonly kept: readonly Leaf[];
  feeds(steps: number): Record<string, HostArray>;
  /** The bytes of everything that the step updates. */
  bytes(): Promise<string>;
}

export async function prepareTraining(traced: Traced, options: WasmBackendOptions): Promise<Training> {
  const backend = await openWasm(options);
  const bench = new Bench(backend);
  const program = await bench.prepare(traced);
  const kept = traced.updates.map(([leaf]) => leaf);
  for (const [i, leaf] of kept.entries()) {
    if (leaf.kind === 'parameter') {
      const weights = noise(leaf.size, i).map((value) => value * 0.1);
      await (await bench.resident(leaf)).write(weights);
    }
  }
  const inputs = inputsOf(traced);
  const feeds = (steps: number) => Object.fromEntries(inputs.map((leaf) => [leaf.name, feedOf(leaf, steps)]));
  const bytes = async () => {
    const values: string[] = [];
    for (const leaf of kept) {
      const { buffer } = await bench.read(leaf);
      values.push(`${leaf.name} ${Buffer.from(buffer).toString('base64')}`);
    }
    return values.join('\n');
  };
  return { backend, program, inputs, kept, feeds, bytes };
}

/** Bytes are pixels, integers classes below 10, other numbers pixels in [0, 1). */
function feedOf({ dtype, size }: Leaf, steps: number): HostArray {
  const values = allocateHost(dtype, size * steps);
  const scale = dtype === 'float32' ? 256 : 1;
  for (let i = 0; i < values.length; i++) {
    values[i] = dtype === 'int32' ? (i * 7) % 10 : ((i * 7919 + (i >> 3)) % 256) / scale;
  }
  return values;
}

function inputsOf({ outputs, updates }: Traced): Leaf[] {
  const seen = new Set([...Object.values(outputs), ...updates.map(([, value]) => value)]);
  // a set that grows is walked to its new end
  for (const tensor of seen) for (const source of tensor.inputs) seen.add(source);
  return [...seen].filter((tensor): tensor is Leaf => (tensor as Leaf).kind === 'input');
}

/** Slice `step` of feeds of many steps. */
export function feedsOf({ inputs }: Training, feeds: Feeds, step: number): Feeds {
  return Object.fromEntries(
    inputs.map(({ name, size }) => [name, feeds[name]!.subarray(step * size, (step + 1) * size)]),
  );
}

/** The kernels that the seed models do not use: average pools, gather and its gradient, padding, soft labels, strides. */
export function otherKernelsStep(batch: number): Traced {
  const images = input('images', [batch, 13, 13, 2]);
  const words = input('words', [batch, 3], 'int32');
  const labels = input('labels', [batch], 'int32');
  const filter = parameter('filter', [3, 3, 2, 5], 0);
  const table = parameter('table', [11, 4], 0);
  const dense = parameter('dense', [5 * 9 + 12, 10], 0);
  const scale = state('scale', [batch, 10], 1);
  const strided = conv2d(
    pad(images, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
    filter,
    { strides: 2 },
  );
  const pooled = averagePool2d(strided, 3, { strides: 2 }).tanh();
  const flat = pooled.reshape([batch, -1]);
  const embedded = gather(table, words).reshape([batch, 12]);
  const logits = concatenate([flat, embedded], 1).matmul(dense).multiply(scale);
  const soft = oneHot(labels, 10).multiply(0.9).add(0.01);
  const loss = softmaxCrossEntropy(logits, soft).mean();
  const parameters = [filter, table, dense];
  const changes = gradients(loss, parameters).map((gradient, i): [Leaf, ReturnType<Leaf['add']>] => [
    parameters[i]!,
    parameters[i]!.subtract(gradient.multiply(0.5)),
  ]);
  const spread = scale.add(logits.subtract(logits.mean(1, true)).multiply(0.01));
  return {
    outputs: { loss, right: logits.argMax(-1).equal(labels).mean() },
    updates: [...changes, [scale, spread]],
  };
}

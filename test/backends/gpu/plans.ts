/** Plans written by hand, so that these tests need no planner. */
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import { bytesOf, type Dtype } from '../../../src/core/dtype.js';
import { call, constantOf, type Expression, input } from '../../../src/core/expression.js';
import { randomUniform } from '../../../src/core/random.js';
import { type Shape, sizeOf } from '../../../src/core/shape.js';
import { broadcastView, contiguousView, transposeView } from '../../../src/core/view.js';
import type { Operand, Output, Plan, Slot, Step, Update } from '../../../src/plan/plan.js';
import { Leaf } from '../../../src/tensor/tensor.js';

/** Collects the lists of a plan. Slots are never reused, and written in the order of the calls. */
export class PlanWriter {
  private readonly leaves: { leaf: Leaf; slot: number }[] = [];
  private readonly slots: Omit<Slot, 'lastUse'>[] = [];
  private readonly steps: Step[] = [];
  private readonly updates: Update[] = [];
  private readonly outputs: Output[] = [];

  leaf(leaf: Leaf): Operand {
    const slot = this.slots.length;
    this.slots.push({ id: slot, dtype: leaf.dtype, size: leaf.size, leaf, firstUse: 0 });
    this.leaves.push({ leaf, slot });
    return { slot, ...contiguousView(leaf.shape) };
  }

  step<K extends KernelKind>(
    kind: K,
    specification: Specifications[K],
    inputs: readonly Operand[],
    shape: Shape,
    dtype: Dtype = 'float32',
    outputs = 1,
  ): Operand {
    const slot = this.slots.length;
    const slots = Array.from({ length: outputs }, (_, i) => ({ slot: slot + i, shape }));
    for (const { slot: id } of slots) {
      this.slots.push({ id, dtype, size: sizeOf(shape), firstUse: this.steps.length });
    }
    this.steps.push({ kind, specification, inputs, outputs: slots, label: kind } as unknown as Step);
    return { slot, ...contiguousView(shape) };
  }

  map(expression: Expression, inputs: readonly Operand[], dtype?: Dtype): Operand {
    return this.step('map', { expressions: [expression] }, inputs, inputs[0]!.shape, dtype);
  }

  update(leaf: Leaf, value: Operand): void {
    this.updates.push({ leaf, slot: value.slot });
  }

  output(name: string, operand: Operand, dtype: Dtype = 'float32'): void {
    this.outputs.push({ name, dtype, operand });
  }

  plan(): Plan {
    const { leaves, steps, updates, outputs } = this;
    const lastUse = (id: number, firstUse: number) =>
      steps.reduce((last, { inputs }, i) => (inputs.some(({ slot }) => slot === id) ? i : last), firstUse);
    let bytes = 0;
    const offsets = this.slots.map(({ leaf, dtype, size }) => {
      if (leaf !== undefined) return undefined;
      const offset = bytes;
      bytes += Math.ceil((size * bytesOf[dtype]) / 64) * 64;
      return offset;
    });
    return {
      leaves,
      slots: this.slots.map((slot) => ({ ...slot, lastUse: lastUse(slot.id, slot.firstUse) })),
      steps,
      updates,
      outputs,
      memory: { offsets, peakBytes: bytes, naiveBytes: bytes },
    };
  }
}

const [x0, x1] = [input(0), input(1)];

/** The same numbers at every call, in (−scale, scale). */
function spread(size: number, scale: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => (2 * randomUniform(i, size, 0) - 1) * scale);
}

/**
 * A training step of the multilayer perceptron `widths` with relu, softmax cross-entropy and plain gradient descent: a
 * dataset of `samples` in memory, a batch of indices fed. Output: the mean `loss` of the batch before the step.
 */
export function perceptronStep(
  widths: readonly number[],
  samples: number,
  batch: number,
  learningRate: number,
) {
  const writer = new PlanWriter();
  const pixels = widths[0]!;
  const classes = widths.at(-1)!;
  const classOf = (sample: number) => (sample * 7) % classes;
  // Each class has a band of pixels of its own; the rest is noise.
  const pixelOf = (sample: number, pixel: number) =>
    Math.floor((pixel * classes) / pixels) === classOf(sample) ? 200 : 40 * randomUniform(pixel, sample, 0);
  const imageLeaf = new Leaf('state', 'images', { shape: [1, samples, pixels], dtype: 'uint8' }, () =>
    Uint8Array.from({ length: samples * pixels }, (_, i) => pixelOf(Math.floor(i / pixels), i % pixels)),
  );
  const labelLeaf = new Leaf('state', 'labels', { shape: [1, samples, 1], dtype: 'uint8' }, () =>
    Uint8Array.from({ length: samples }, (_, i) => classOf(i)),
  );
  const indexLeaf = new Leaf(
    'input',
    'indices',
    { shape: [batch], dtype: 'int32' },
    () => new Int32Array(batch),
  );
  const indices = writer.leaf(indexLeaf);

  const scaled = call('divide', call('toFloat', input(0, 'int32')), constantOf(255));
  const gathered = writer.step(
    'gather',
    { epilogue: { expression: scaled, operands: 0 } },
    [writer.leaf(imageLeaf), indices],
    [1, batch, pixels],
  );
  const labelRows = writer.step('gather', {}, [writer.leaf(labelLeaf), indices], [1, batch, 1], 'uint8');
  const labels: Operand = {
    ...writer.map(input(0, 'int32'), [{ ...labelRows, ...contiguousView([batch]) }], 'int32'),
  };

  const layers = widths.slice(1).map((width, layer) => {
    const before = widths[layer]!;
    const leaf = (name: string, shape: Shape, scale: number) =>
      new Leaf('parameter', `layers.${layer}.${name}`, { shape, dtype: 'float32' }, () =>
        spread(sizeOf(shape), scale),
      );
    const leaves = { weights: leaf('weights', [before, width], 0.08), bias: leaf('bias', [width], 0.05) };
    return { leaves, weights: writer.leaf(leaves.weights), bias: writer.leaf(leaves.bias), width };
  });

  const activations: Operand[] = [{ ...gathered, ...contiguousView([batch, pixels]) }];
  layers.forEach(({ weights, bias, width }, layer) => {
    const sum = call('add', x0, x1);
    const expression = layer === layers.length - 1 ? sum : call('relu', sum);
    const shape = [batch, width];
    const bias2d = { slot: bias.slot, ...broadcastView(bias, shape) };
    const inputs = [activations[layer]!, weights, bias2d];
    activations.push(writer.step('matmul', { epilogue: { expression, operands: 1 } }, inputs, shape));
  });

  const logits = activations.at(-1)!;
  const entropy = (name: 'loss' | 'gradient', shape: Shape) =>
    writer.step('softmaxCrossEntropy', { labels: 'indices', outputs: [name] }, [logits, labels], shape);
  const mean = call('multiply', x0, constantOf(1 / batch));
  const sum = { operation: 'sum', axes: [0] } as const;
  writer.output('loss', writer.step('reduce', { ...sum, prologue: mean }, [entropy('loss', [batch])], []));

  const descend = call('subtract', x0, call('multiply', x1, constantOf(learningRate)));
  let gradient = writer.map(mean, [entropy('gradient', [batch, classes])]);
  for (const [layer, { leaves, weights, bias, width }] of [...layers.entries()].reverse()) {
    const below = activations[layer]!;
    const turned = (operand: Operand) => ({ slot: operand.slot, ...transposeView(operand, [1, 0]) });
    const weightGradient = writer.step('matmul', {}, [turned(below), gradient], weights.shape);
    const biasGradient = writer.step('reduce', { ...sum, prologue: x0 }, [gradient], [width]);
    if (layer > 0) {
      const expression = call('where', call('greater', x1, constantOf(0)), x0, constantOf(0));
      const inputs = [gradient, turned(weights), below];
      gradient = writer.step('matmul', { epilogue: { expression, operands: 1 } }, inputs, below.shape);
    }
    writer.update(leaves.weights, writer.map(descend, [weights, weightGradient]));
    writer.update(leaves.bias, writer.map(descend, [bias, biasGradient]));
  }
  return { plan: writer.plan(), parameters: layers.flatMap(({ leaves }) => Object.values(leaves)) };
}

/** Training steps built from ops alone, for the golden plans: the small MLP and the CNN of the second seed. */
import type { Traced } from '../../src/plan/lower.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input, parameter, state } from '../../src/tensor/leaves.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { less, subtract, where } from '../../src/tensor/ops/pointwise.js';
import { maxPool2d } from '../../src/tensor/ops/pool.js';
import { softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import { type RandomKey, randomKey, randomUniform, subKey } from '../../src/tensor/random.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';

/** x · mask / (1 − rate), where an element is kept with probability 1 − rate. */
function dropout(x: Tensor, rate: number, key: RandomKey): Tensor {
  const keep = less(randomUniform(x.shape, key), 1 - rate);
  return x.multiply(where(keep, 1 / (1 - rate), 0));
}

function flatten(x: Tensor): Tensor {
  return x.reshape([x.shape[0]!, -1]);
}

/**
 * Adam (Kingma and Ba 2015), with ε outside the root and the bias corrections in the rate:
 *
 *     m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  w ← w − α · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
 */
function adam(loss: Tensor, parameters: readonly Leaf[], step: Leaf): [Leaf, Tensor][] {
  const time = step.cast('float32').add(1);
  const power = (beta: number) => subtract(1, time.multiply(Math.log(beta)).exp());
  const rate = power(0.999).sqrt().divide(power(0.9)).multiply(0.001);
  return gradients(loss, parameters).flatMap((gradient, i): [Leaf, Tensor][] => {
    const weights = parameters[i]!;
    const first = state(`${weights.name}.first`, weights.shape, 0);
    const second = state(`${weights.name}.second`, weights.shape, 0);
    const newFirst = first.multiply(0.9).add(gradient.multiply(0.1));
    const newSecond = second.multiply(0.999).add(gradient.square().multiply(0.001));
    const change = rate.multiply(newFirst).divide(newSecond.sqrt().add(1e-7));
    return [
      [first, newFirst],
      [second, newSecond],
      [weights, weights.subtract(change)],
    ];
  });
}

function sgd(loss: Tensor, parameters: readonly Leaf[], rate: number): [Leaf, Tensor][] {
  return gradients(loss, parameters).map((gradient, i) => [
    parameters[i]!,
    parameters[i]!.subtract(gradient.multiply(rate)),
  ]);
}

/** 784-128-128-10 with relu, stochastic gradient descent, uint8 images normalized in the plan. */
export function mlpStep(batch: number): Traced {
  const images = input('images', [batch, 784], 'uint8');
  const labels = input('labels', [batch], 'int32');
  const sizes = [784, 128, 128, 10];
  const parameters: Leaf[] = [];
  let x = images.cast('float32').multiply(1 / 255);
  for (let i = 0; i < 3; i++) {
    const weights = parameter(`layers.${i}.weights`, [sizes[i]!, sizes[i + 1]!], 0.01);
    const bias = parameter(`layers.${i}.bias`, [sizes[i + 1]!], 0);
    parameters.push(weights, bias);
    x = x.matmul(weights).add(bias);
    if (i < 2) x = x.relu();
  }
  const loss = softmaxCrossEntropy(x, labels).mean();
  const right = x.argMax(-1).equal(labels).mean();
  return { outputs: { loss, right }, updates: sgd(loss, parameters, 0.1) };
}

/** Two convolutions with 32 and 64 filters, 'valid', dropout, two dense layers, Adam; 28x28 images. */
export function cnnStep(batch: number): Traced {
  const images = input('images', [batch, 28, 28, 1]);
  const labels = input('labels', [batch], 'int32');
  const step = state('step', [], 0, 'int32');
  const key = randomKey(1, [], step);
  const parameters: Leaf[] = [];
  const make = (name: string, shape: number[]) => {
    const made = parameter(name, shape, 0.01);
    parameters.push(made);
    return made;
  };
  let x: Tensor = images;
  for (const [name, inputs, outputs] of [
    ['layers.0', 1, 32],
    ['layers.3', 32, 64],
  ] as const) {
    x = conv2d(x, make(`${name}.filter`, [3, 3, inputs, outputs])).add(make(`${name}.bias`, [outputs]));
    x = maxPool2d(x.relu());
  }
  x = flatten(dropout(x, 0.25, subKey(key, 'layers.6')));
  x = x.matmul(make('layers.8.weights', [x.shape[1]!, 128])).add(make('layers.8.bias', [128]));
  x = dropout(x.relu(), 0.5, subKey(key, 'layers.10'));
  x = x.matmul(make('layers.11.weights', [128, 10])).add(make('layers.11.bias', [10]));
  const loss = softmaxCrossEntropy(x, labels).mean();
  return { outputs: { loss }, updates: [...adam(loss, parameters, step), [step, step.add(1)]] };
}

/**
 * A training loop of one's own: two spirals, told apart by a small network.
 *
 * A step is traced once and run many times. What outlives it (parameters, the optimizer's moments, the counter) are
 * leaves: the engine keeps their values, `updates` gives them new ones.
 */
import {
  adam,
  clipByNorm,
  cosineDecay,
  crossEntropy,
  dense,
  gradients,
  leaves,
  Model,
  metrics,
  openEngine,
  sequential,
  tanh,
} from '../src/index.js';

const count = 256;
const points = new Float32Array(2 * count);
const labels = new Int32Array(count);
for (let i = 0; i < count; i++) {
  const arm = i % 2;
  const turn = (1.5 * i) / count;
  const angle = 2 * Math.PI * turn + arm * Math.PI;
  points[2 * i] = turn * Math.cos(angle);
  points[2 * i + 1] = turn * Math.sin(angle);
  labels[i] = arm;
}

const model = new Model(sequential([dense(32), tanh(), dense(32), tanh(), dense(2)]), [2], 1);
const optimizer = adam({ learningRate: 0.02 });
const schedule = cosineDecay({ warmup: 0.05 });
const built = optimizer.build(model.parameters);
const steps = leaves.state('steps', [], 0, 'int32');
const totalSteps = 600;

const engine = await openEngine();
const signature = {
  x: { shape: [count, 2] },
  y: { shape: [count], dtype: 'int32' },
} as const;

const train = engine.compile(
  ({ x, y, learningRate }) => {
    const step = steps.add(1);
    const { output, updates } = model.apply(x, { training: true, step });
    const loss = crossEntropy(output, y);
    const clipped = clipByNorm(gradients(loss, model.parameters), 1);
    return {
      outputs: { loss },
      updates: [...updates, ...built.updates(clipped, learningRate, step), [steps, step]],
    };
  },
  { ...signature, learningRate: { shape: [] } },
);

const evaluate = engine.compile(({ x, y }) => {
  const { output } = model.apply(x);
  return { outputs: { loss: crossEntropy(output, y), right: metrics.accuracy(output, y) } };
}, signature);

for (let step = 0; step < totalSteps; step++) {
  const learningRate = optimizer.learningRate * schedule.factor(step, totalSteps);
  const { loss } = await train.run({ x: points, y: labels, learningRate });
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.get().toFixed(4)}`);
}
const { loss, right } = await evaluate.run({ x: points, y: labels });
console.log(`after ${totalSteps} steps: loss ${loss.get().toFixed(4)}, accuracy ${right.get().toFixed(3)}`);
await engine.close();

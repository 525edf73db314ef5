/** One training step of a tiny network, op by op, with all numbers. */
import { float32Of } from '../core/dtype.js';
import { at } from '../core/lists.js';
import type { Engine } from '../engine/engine.js';
import { relu } from '../nn/layers/activations.js';
import { dense } from '../nn/layers/dense.js';
import { crossEntropy } from '../nn/losses.js';
import { Model } from '../nn/model.js';
import { sequential } from '../nn/sequential.js';
import { gradients } from '../tensor/gradients.js';
import { reachable } from '../tensor/reachable.js';
import { Leaf } from '../tensor/tensor.js';
import { OpsObserver } from './ops.js';
import type { OpView, TinyView } from './view.js';

const images = Float32Array.of(0.9, 0.1, 0.2, 0.8);
const labels = Int32Array.of(0, 1);
const learningRate = 0.5;

/** `%3 = matmul(%1, weights)` */
function textOf({ id, op, name, inputs }: OpView, names: ReadonlyMap<number, string>): string {
  if (name !== undefined) return `${name} (${op})`;
  return `${names.get(id)} = ${op}(${inputs.map((input) => names.get(input)).join(', ')})`;
}

/** Two images of two pixels, three units, two classes; the weights of seed 1, plain descent. */
export async function tinyStep(engine: Engine): Promise<TinyView[]> {
  const model = new Model(sequential([dense(3), relu(), dense(2)]), [2], 1);
  const observer = new OpsObserver();
  let views: OpView[] = [];
  const step = engine.compile(
    (inputs) => {
      const { output } = model.apply(inputs.images, { training: true, observe: observer.applied });
      const loss = crossEntropy(output, inputs.labels);
      observer.lost(loss);
      const found = gradients(loss, model.parameters, observer.differentiated);
      const updates = model.parameters.map(
        (leaf, i) => [leaf, leaf.subtract(at(found, i).multiply(learningRate))] as const,
      );
      views = observer.views(loss, updates);
      return {
        // an input is known without being given back
        outputs: Object.fromEntries(
          reachable([loss, ...updates.map(([, value]) => value)])
            .filter((node) => !(node instanceof Leaf && node.kind === 'input'))
            .map((node) => [`n${node.id}`, node]),
        ),
      };
    },
    { images: { shape: [2, 2] }, labels: { shape: [2], dtype: 'int32' } },
  );
  const values = await step.run({ images, labels });
  const names = new Map(views.map(({ id, name }, i) => [id, name ?? `%${i}`]));
  return views.map((view) => {
    const { part, shape, rule } = view;
    const found = values[`n${view.id}`];
    return {
      text: textOf(view, names),
      part,
      shape,
      values: found === undefined ? [] : Array.from(float32Of(found.data)),
      ...(rule !== undefined && { rule }),
    };
  });
}

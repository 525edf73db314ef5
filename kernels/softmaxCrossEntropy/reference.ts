import { tinySlope } from '../../src/core/math.js';
import { elementsOf, type ReferenceKernel } from '../toolkit/reference/strided.js';
import type { SoftmaxCrossEntropySpecification } from './contract.js';

export const softmaxCrossEntropy: ReferenceKernel<SoftmaxCrossEntropySpecification> = (
  call,
  inputs,
  outputs,
) => {
  const { labels: labelKind, outputs: names } = call.specification;
  const [logits, labels] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [batch, classes] = inputs[0]!.shape as [number, number];
  const label =
    labelKind === 'indices'
      ? (row: number, c: number) => (labels[row] === c ? 1 : 0)
      : (row: number, c: number) => labels[row * classes + c]!;
  for (let row = 0; row < batch; row++) {
    const z = Float64Array.from(logits.subarray(row * classes, (row + 1) * classes));
    const largest = z.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = z.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    let loss = 0;
    let mass = 0;
    for (let c = 0; c < classes; c++) {
      const y = label(row, c);
      mass += y;
      // A class that the label gives nothing adds nothing, even where its log p is −∞.
      if (y !== 0) loss += y * (Math.log(total) - (z[c]! - largest));
    }
    names.forEach((name, i) => {
      const output = elementsOf(outputs[i]!);
      if (name === 'loss') output[row] = loss;
      else {
        for (let c = 0; c < classes; c++) {
          const slope = (Math.exp(z[c]! - largest) / total) * mass - label(row, c);
          output[row * classes + c] = Math.abs(slope) < tinySlope ? 0 : slope;
        }
      }
    });
  }
};

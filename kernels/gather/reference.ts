import { sizeOf } from '../../src/core/shape.js';
import { elementsOf, type ReferenceKernel, storeResults } from '../toolkit/reference/strided.js';
import type { GatherSpecification, ScatterAddSpecification } from './contract.js';

export const gather: ReferenceKernel<GatherSpecification> = (call, inputs, outputs) => {
  const [table, indices] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [outer, rows, inner] = inputs[0]!.shape as [number, number, number];
  const count = inputs[1]!.shape[0]!;
  const y = new Float64Array(outer * count * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const row = indices[i]!;
      if (row < 0 || row >= rows) continue;
      for (let e = 0; e < inner; e++) y[(o * count + i) * inner + e] = table[(o * rows + row) * inner + e]!;
    }
  }
  storeResults(y, call, inputs, outputs[0]!);
};

export const scatterAdd: ReferenceKernel<ScatterAddSpecification> = (_, inputs, outputs) => {
  const [values, indices] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [outer, count, inner] = inputs[0]!.shape as [number, number, number];
  const rows = outputs[0]!.shape[1]!;
  const table = new Float64Array(sizeOf(outputs[0]!.shape));
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const row = indices[i]!;
      if (row < 0 || row >= rows) continue;
      for (let e = 0; e < inner; e++)
        table[(o * rows + row) * inner + e]! += values[(o * count + i) * inner + e]!;
    }
  }
  elementsOf(outputs[0]!).set(table);
};

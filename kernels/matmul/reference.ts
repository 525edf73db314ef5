import { finisher, forEachElement, type ReferenceKernel } from '../toolkit/reference/strided.js';
import type { MatmulSpecification } from './contract.js';

export const matmul: ReferenceKernel<MatmulSpecification> = (call, inputs, outputs) => {
  const [a, b] = inputs as [(typeof inputs)[0], (typeof inputs)[0]];
  const output = outputs[0]!;
  const finish = finisher(call, inputs);
  const k = a.shape.at(-1)!;
  const [m, n] = output.shape.slice(-2) as [number, number];
  const [aRow, aColumn] = a.stride.slice(-2) as [number, number];
  const [bRow, bColumn] = b.stride.slice(-2) as [number, number];
  const sums = new Float64Array(n);
  let index = 0;
  const batches = [a, b].map(({ stride, offset }) => ({ stride: stride.slice(0, -2), offset }));
  forEachElement(output.shape.slice(0, -2), batches, (_, [aStart, bStart]) => {
    for (let row = 0; row < m; row++) {
      sums.fill(0);
      for (let inner = 0; inner < k; inner++) {
        const factor = a.data[aStart! + row * aRow + inner * aColumn]!;
        const start = bStart! + inner * bRow;
        for (let column = 0; column < n; column++)
          sums[column]! += factor * b.data[start + column * bColumn]!;
      }
      for (let column = 0; column < n; column++, index++) {
        output.data[output.offset + index] = finish(sums[column]!, index);
      }
    }
  });
};

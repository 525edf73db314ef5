/** The page of the error table, docs/accuracy-of-kernels.md, from what was measured. */
import { markdownTable } from '../../src/cli/terminal/table.js';
import { type Measure, subjects } from '../../src/doctor/subjects.js';
import type { AccuracyResult } from './accuracyRuns.js';

export const pagePath = 'docs/accuracy-of-kernels.md';

export const boundText = (bound: number): string => (bound === 0 ? 'exact' : bound.toExponential());

const relativeTo: Readonly<Record<Measure, string>> = {
  largest: 'largest',
  each: 'each',
  exact: '',
};

/** Two digits; more would only tell machines apart. */
const errorText = (error: number): string => (error === 0 ? '0' : error.toExponential(1));

/** @param measured by the name of the backend and mode */
export function accuracyPage(measured: ReadonlyMap<string, AccuracyResult>): string {
  const names = [...measured.keys()];
  const table = markdownTable({
    header: ['result', 'on', 'bound', 'relative to', ...names],
    alignments: ['left', 'left', 'right', 'left', ...names.map(() => 'right' as const)],
    rows: subjects.map(({ name, on, measure, bound }, i) => [
      ...[name, on, boundText(bound), relativeTo[measure]],
      ...[...measured.values()].map(({ found }) => errorText(found[i]!.error)),
    ]),
  });
  return `# How exact the kernels are

The largest error of each backend and mode on odd shapes, relative to the reference backend in float64, whose results
are rounded to float32: 0 is a correctly rounded result (the rounding of float32 itself is up to 6.0e-8). Where terms of
both signs meet, an error is told relative to the largest number of the result, else to each number. Integers, indices,
comparisons and what only moves numbers are exact everywhere.

The bounds hold for every backend and mode: \`test/doctor/accuracy.test.ts\` keeps wasm, reference and gpu.js's modes cpu
and webasm to them in Node.js, and its modes webgpu and webgl2 in Chromium; \`quern doctor\` checks the products on your
machine. Another GPU has other errors: a shader's \`exp\` may be off by some units in the last place that grow with x.

The modes of gpu.js on a device are measured in headless Chromium on SwiftShader. \`node dist/test/doctor/writePage.js\`
measures and writes this page.

${table}

- wasm sums with fused multiply-adds where the processor has them, without in \`baseline SIMD\`; the order of sums depends
  on shapes alone, never on threads.
- gpu.js's mode cpu computes in float64 and stores float32, as the reference backend does.
- \`softmax\`, \`exp\`, \`sigmoid\` and \`power\` are as exact as the exponential of the device, for each number.
- float32 holds integers exactly up to 2^24 = 16,777,216: gpu refuses int32 values beyond
  ([the GPU](gpu.md)).
`;
}

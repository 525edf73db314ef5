/**
 * How near does matrix multiplication on one thread come to the machine's multiply-add peak?
 *
 *     node dist/bench/matmul.js [--baseline] [--json] [part of a name …]
 *
 * Runs of the kernel alternate with equally long runs of the peak, so that whatever else the machine is doing slows both
 * alike; shown are medians, and between which rates the middle 80% of the runs lie. The share is that of the medians.
 */
import { cpus } from 'node:os';
import { matmulEmission } from '../kernels/shared/matmulEmit.js';
import type { MatmulShape, MatrixStrides } from '../kernels/shared/matmulPlan.js';
import { type KernelRun, ModuleBuilder } from '../src/writers/assembler.js';
import { detectSimdLevel, numericsOf } from '../src/writers/simdLevel.js';
import { multiplyAddPeak } from './multiplyAddPeak.js';

const rowMajor = (columns: number): MatrixStrides => ({ batch: [], row: columns, column: 1 });
const transposed = (rows: number): MatrixStrides => ({ batch: [], row: 1, column: rows });
const plain = (m: number, k: number, n: number): MatmulShape => {
  return { batch: [], m, k, n, a: rowMajor(k), b: rowMajor(n) };
};
const aTransposed = (shape: MatmulShape) => ({ ...shape, a: transposed(shape.m) });
const bTransposed = (shape: MatmulShape) => ({ ...shape, b: transposed(shape.k) });

const cases: [string, MatmulShape][] = [
  ['512', plain(512, 512, 512)],
  ['512 aT', aTransposed(plain(512, 512, 512))],
  ['512 bT', bTransposed(plain(512, 512, 512))],
  ['512 aT bT', aTransposed(bTransposed(plain(512, 512, 512)))],
  ['64', plain(64, 64, 64)],
  ['128', plain(128, 128, 128)],
  ['256', plain(256, 256, 256)],
  ['1024', plain(1024, 1024, 1024)],
  ['mlp 1 forward', plain(128, 784, 128)],
  ['mlp 1 weights', aTransposed(plain(784, 128, 128))],
  ['mlp 2 forward', plain(128, 128, 128)],
  ['mlp 2 weights', aTransposed(plain(128, 128, 128))],
  ['mlp 2 input', bTransposed(plain(128, 128, 128))],
  ['mlp 3 forward', plain(128, 128, 10)],
  ['mlp 3 weights', aTransposed(plain(128, 128, 10))],
  ['mlp 3 input', bTransposed(plain(128, 10, 128))],
];

const options = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
const parts = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const detected = detectSimdLevel();
const simd = options.has('--baseline') ? 'baseline' : detected;
const peakRate = multiplyAddPeak(simd);
const align = (bytes: number) => Math.ceil(bytes / 64) * 64;

interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

function spread(values: number[]): Spread {
  const sorted = values.toSorted((x, y) => x - y);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)]!;
  return { low: at(0.1), median: at(0.5), high: at(0.9) };
}

/** Alternates runs of a shape and of the peak for about a second. */
function measure(shape: MatmulShape) {
  const { m, k, n } = shape;
  const emission = matmulEmission(shape, simd);
  const module = new ModuleBuilder({ simd, shared: false });
  emission.emit(module);
  const a = 1024;
  const b = a + align(4 * m * k);
  const out = b + align(4 * k * n);
  const scratch = out + align(4 * m * n);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((scratch + emission.scratchBytes) / 65536) });
  new Float32Array(memory.buffer, a, m * k).fill(0.5);
  new Float32Array(memory.buffer, b, k * n).fill(0.25);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  const run = exports.run as KernelRun;

  const flops = 2 * m * k * n;
  const repeats = Math.ceil(2e7 / flops);
  const elapsed = () => {
    const start = performance.now();
    for (let repeat = 0; repeat < repeats; repeat++) run(a, b, out, scratch, 0, emission.units);
    return performance.now() - start;
  };
  const first = elapsed();
  for (let warm = 0; warm < 5; warm++) elapsed();
  const [rates, peaks]: [number[], number[]] = [[], []];
  const until = performance.now() + 1000;
  while (performance.now() < until || rates.length < 9) {
    const milliseconds = elapsed();
    rates.push((flops * repeats) / 1e6 / milliseconds);
    peaks.push(peakRate(milliseconds));
  }
  const result = new Float32Array(memory.buffer, out, m * n);
  if (!result.every((value) => value === k / 8)) throw new Error(`matmul ${m}x${k}x${n}: wrong result`);
  const [rate, peak] = [spread(rates), spread(peaks)];
  const firstRate = (flops * repeats) / 1e6 / first;
  return { m, k, n, tile: emission.tile, gflops: rate, peak, share: rate.median / peak.median, firstRate };
}

const rows = cases
  .filter(([name]) => parts.length === 0 || parts.some((part) => name.includes(part)))
  .map(([name, shape]) => ({ name, ...measure(shape) }));

if (options.has('--json')) {
  const { node, v8 } = process.versions;
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', arch: process.arch, node, v8 };
  console.log(
    JSON.stringify({ bench: 'matmul', machine, simd, numerics: numericsOf(simd), rows }, undefined, 2),
  );
} else {
  console.log(
    `${simd} SIMD (${numericsOf(simd)}), Node ${process.versions.node}, ${cpus()[0]?.model}, GFLOP/s`,
  );
  for (const { name, m, k, n, tile, gflops, peak, share, firstRate } of rows) {
    const numbers = `${gflops.median.toFixed(1)} (${gflops.low.toFixed(1)} to ${gflops.high.toFixed(1)})`;
    const context = `peak ${peak.median.toFixed(1)}, first run ${firstRate.toFixed(1)}`;
    const size = `${m}x${k}x${n}`;
    console.log(
      `${name.padEnd(14)} ${size.padEnd(15)} ${tile}  ${numbers.padEnd(22)} ${(100 * share).toFixed(0).padStart(3)}% of ${context}`,
    );
  }
}

/** The text of `quern doctor`. */
import { crossoverSize, type Diagnosis } from '../../../doctor/diagnose.js';
import { backendTitle, type Choice } from '../../../engine/auto.js';
import type { Speed } from '../../../engine/measurements.js';
import { grouped } from '../../terminal/format.js';
import { textTable } from '../../terminal/table.js';

export interface DoctorReport {
  readonly versions: { readonly quern: string; readonly node: string };
  readonly processor: string;
  readonly processors: number;
  /** Workers can share memory: without it wasm has one thread. */
  readonly sharedMemory: boolean;
  readonly backends: readonly Diagnosis[];
  /** The choice of `auto` for a training of each recipe. */
  readonly auto: readonly (Choice & { readonly recipe: string })[];
  /** Where the measurements were kept, or why they could not be. */
  readonly kept: { readonly file: string; readonly failure?: string };
}

/** 41.2 GFLOP/s as `41.2`. */
const gigaflops = (rate: number) => (rate / 1e9).toPrecision(3);

function speedCells(speed: Speed | undefined, wasm: Speed | undefined): string[] {
  if (speed === undefined) return ['', '', '', ''];
  const { matmulRate, convolutionRate, secondsPerKernel } = speed;
  const rates = [gigaflops(matmulRate), gigaflops(convolutionRate), (secondsPerKernel * 1e6).toPrecision(2)];
  if (wasm === undefined || wasm === speed) return [...rates, ''];
  const size = crossoverSize(speed, wasm);
  return [...rates, Number.isFinite(size) ? `from ${grouped(size)}` : 'never'];
}

/** Names the threads and instructions, or the adapter. */
function placeOf({ report, state, hardware }: Diagnosis): string {
  if (report === undefined || state === 'unavailable') return '';
  const { adapter, threads, numerics, native = 'off' } = report;
  if (adapter !== undefined) return hardware ? adapter : `${adapter}, on the CPU`;
  const width = native.startsWith('off') ? '' : `, native ${native}`;
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${numerics}${width}`;
}

/** What machine code gains, and what it makes of the processor, where it runs. */
function nativeLines({ speed, share, report }: Partial<Diagnosis>, wasm: Speed | undefined): string[] {
  if (speed === undefined || wasm === undefined) return [];
  const gain = (of: 'matmulRate' | 'convolutionRate') => (speed[of] / wasm[of]).toFixed(1);
  const bits = report?.native === 'avx512' ? 512 : 256;
  const times = `${gain('matmulRate')} times wasm in products, ${gain('convolutionRate')} in convolutions`;
  return [
    `wasm native: its test has passed; ${times}${share === undefined ? '.' : ';'}`,
    ...(share === undefined
      ? []
      : [
          `a product of 512 x 512 matrices on one thread reaches ${Math.round(100 * share)}% of the multiply-adds of ${bits} bits.`,
        ]),
  ];
}

/** The report as text; what varies from run to run is numbers alone. */
export function doctorText({
  versions,
  processor,
  processors,
  sharedMemory,
  backends,
  auto,
  kept,
}: DoctorReport): string {
  const wasm = backends.find(({ backend, mode }) => backend === 'wasm' && mode === undefined)?.speed;
  const native = backends.find(({ mode }) => mode === 'native') ?? {};
  const table = textTable({
    header: ['backend', 'computes', 'matmul', 'convolution', 'a kernel', 'beats wasm', 'on'],
    alignments: ['left', 'left', 'right', 'right', 'right', 'right', 'left'],
    rows: backends.map((each) => [
      backendTitle(each),
      each.state,
      ...speedCells(each.speed, wasm),
      placeOf(each),
    ]),
  });
  const reasons = backends.flatMap(({ reason, ...each }) =>
    reason === undefined ? [] : [`  ${backendTitle(each)}: ${each.state}: ${reason}`],
  );
  const width = Math.max(...auto.map(({ recipe }) => recipe.length));
  return [
    `Quern ${versions.quern}, Node.js ${versions.node}`,
    `${processor}, ${processors} processors, ${sharedMemory ? 'shared memory' : 'no shared memory'}`,
    '',
    table,
    '',
    'GFLOP/s of a matrix product, and of a convolution with both gradients; microseconds that any kernel costs; size of',
    'square matrices from which a mode beats wasm. Right: within the bounds of docs/accuracy-of-kernels.md.',
    ...nativeLines(native, wasm),
    ...(reasons.length === 0 ? [] : ['', ...reasons]),
    '',
    ...auto.map(({ recipe, reason }) => `${recipe.padEnd(width)}  ${reason}`),
    kept.failure === undefined
      ? `auto goes by ${kept.file}`
      : `not kept, so auto does not go by it: ${kept.failure}`,
  ].join('\n');
}

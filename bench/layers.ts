import type { BackendReport } from '../src/engine/backend.js';
import { type CompiledStep, type Engine, openEngine } from '../src/engine/engine.js';
import { gradients } from '../src/tensor/gradients.js';
import { state } from '../src/tensor/leaves.js';
import { conv2d } from '../src/tensor/ops/conv2d.js';
import { depthwiseConv2d } from '../src/tensor/ops/depthwise.js';
import { batchNormalize, channelMoments } from '../src/tensor/ops/normalize.js';
import { add, divide, multiply, sqrt, subtract } from '../src/tensor/ops/pointwise.js';
import { sum } from '../src/tensor/ops/reduce.js';
import type { Leaf, Tensor } from '../src/tensor/tensor.js';
import type { Bench, Row } from './support/bench.js';
import { withThreads } from './support/bench.js';
import { clockFor } from './support/clock.js';
import { threadCount } from './support/format.js';
import { oneThreadNote } from './support/kernelFindings.js';
import { interleave, type Sample, secondsOf, speedUp } from './support/measure.js';
import type { Summary } from './support/statistics.js';

type Shape = readonly [number, number, number, number];

/** What is worked out of images and learned tensors, and which leaves it is differentiated in. */
interface Work {
  readonly name: string;
  readonly images: Shape;
  readonly learned: readonly (readonly number[])[];
  /** In the way the library does it, and in the way that it is held against. */
  readonly ways: Readonly<Record<'quern' | 'twin', (x: Tensor, ...learned: Tensor[]) => Tensor[]>>;
}

const epsilon = 1e-3;

/** The result and the gradients of the sum of its squares in all that it is made of. */
function bothWays(y: Tensor, from: readonly Tensor[]): Tensor[] {
  return [y, ...gradients(sum(multiply(y, y)), from)];
}

/** (x − mean) / √(variance + ε) · gamma + beta, differentiated op by op. */
function plainNormalize(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const { mean, variance } = channelMoments(x);
  return add(multiply(subtract(x, mean), divide(gamma, sqrt(add(variance, epsilon)))), beta);
}

const normalization = (images: Shape): Work => ({
  name: `batch normalization ${images.join('x')}`,
  images,
  learned: [images.slice(3), images.slice(3)],
  ways: {
    quern: (x, gamma, beta) => bothWays(batchNormalize(x, gamma!, beta!, { epsilon }), [x, gamma!, beta!]),
    twin: (x, gamma, beta) => bothWays(plainNormalize(x, gamma!, beta!), [x, gamma!, beta!]),
  },
});

/** The input gradient of a convolution with strides of 2: `dy` is an image as the convolution gives it. */
const stridedGradient = (images: Shape, size: number, filters: number): Work => {
  const geometry = { strides: 2, padding: 'same' } as const;
  const [batch, height, width, channels] = images;
  const gradient = [batch, Math.ceil(height / 2), Math.ceil(width / 2), filters];
  return {
    name: `input gradient of ${size}x${size} strides 2, ${images.join('x')} to ${filters}`,
    images,
    learned: [gradient, [size, size, channels, filters]],
    ways: {
      quern: (x, dy, filter) => gradients(sum(multiply(conv2d(x, filter!, geometry), dy!)), [x]),
      // the gradient in x of the filter gradient, weighted with the filter: one kernel, the definition of the same
      twin: (x, dy, filter) => {
        const [ofFilter] = gradients(sum(multiply(conv2d(x, filter!, geometry), dy!)), [filter!]);
        return gradients(sum(multiply(ofFilter!, filter!)), [x]);
      },
    },
  };
};

/** A depthwise convolution, against a full one of as many channels. */
const depthwise = (images: Shape): Work => ({
  name: `depthwise 3x3 beside a full convolution, ${images.join('x')}`,
  images,
  learned: [
    [3, 3, images[3], 1],
    [3, 3, images[3], images[3]],
  ],
  ways: {
    quern: (x, own) => bothWays(depthwiseConv2d(x, own!, { padding: 'same' }), [x, own!]),
    twin: (x, _, full) => bothWays(conv2d(x, full!, { padding: 'same' }), [x, full!]),
  },
});

const worksOf = (batch: number): Work[] => [
  normalization([batch, 28, 28, 32]),
  normalization([batch, 14, 14, 64]),
  stridedGradient([batch, 28, 28, 32], 3, 64),
  stridedGradient([batch, 28, 28, 32], 1, 64),
  depthwise([batch, 28, 28, 32]),
];

const uniform = (size: number): Float32Array =>
  Float32Array.from({ length: size }, () => Math.random() - 0.5);

function compile(engine: Engine, { images, learned, ways }: Work, way: 'quern' | 'twin'): CompiledStep {
  const leaf = (name: string, shape: readonly number[]) =>
    state(name, shape, uniform(shape.reduce((product, extent) => product * extent, 1)));
  const [x, others] = [leaf('x', images), learned.map((shape, i) => leaf(`learned ${i}`, shape))];
  return engine.compile(() => {
    const updates = ways[way](x, ...others).map((value, i): [Leaf, Tensor] => [
      state(`result ${i}`, value.shape, 0),
      value,
    ]);
    return { updates };
  }, {});
}

const milliseconds = (samples: readonly Sample[]) => {
  const { median, low, high, count } = secondsOf(samples);
  return { median: median * 1000, low: low * 1000, high: high * 1000, count };
};

export const bench: Bench = {
  question:
    'How long do the parts of residual and separable networks take, forward and backward, beside their twins?',
  async run(context) {
    const { threads, sampling, quick } = context;
    const works = worksOf(quick ? 8 : 128);
    const rows: Row[] = [];
    const backends: BackendReport[] = [];
    for (const count of threads) {
      await using engine = await openEngine(withThreads(context.backend, count));
      backends.push(engine.report);
      const subjects = works.flatMap((work) =>
        (['quern', 'twin'] as const).map((way) => {
          const step = compile(engine, work, way);
          return {
            name: `${work.name} ${way}`,
            clock: clockFor(count),
            run: async (repeats: number) => void (await step.run({}, { steps: repeats })),
          };
        }),
      );
      const samples = await interleave(subjects, sampling, (round) =>
        context.progress(`${threadCount(count)}, round ${round} of ${sampling.rounds}`),
      );
      for (const { name } of works) {
        const [own, twin] = [samples.get(`${name} quern`)!, samples.get(`${name} twin`)!];
        rows.push({
          work: name,
          threads: count,
          milliseconds: milliseconds(own),
          twin: milliseconds(twin),
          speedUp: speedUp(own, twin),
        });
      }
    }
    return {
      columns: [
        { key: 'work', title: 'work' },
        { key: 'threads', title: 'threads' },
        { key: 'milliseconds', title: 'time', unit: 'ms' },
        { key: 'twin', title: 'twin', unit: 'ms' },
        { key: 'speedUp', title: 'times faster' },
      ],
      rows,
      notes: [
        'The twin of a normalization is differentiated op by op; that of a strided gradient is one kernel, which ' +
          'multiplies with the zeros between the windows; that of a depthwise convolution is a full one.',
        oneThreadNote,
      ],
      backends,
      plots: [
        {
          title: 'Parts of residual and separable networks, forward and backward',
          kind: 'bar',
          x: { title: '', values: works.map(({ name }) => name) },
          y: { title: 'times as fast as the twin' },
          series: threads.map((count) => ({
            name: threadCount(count),
            values: rows.filter((row) => row.threads === count).map((row) => (row.speedUp as Summary).median),
          })),
        },
      ],
    };
  },
};

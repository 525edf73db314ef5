import { checkRange } from '../core/check.js';
import { at, last } from '../core/lists.js';
import { matmul } from '../tensor/ops/matmul.js';
import { add, divide, flush, multiply, sqrt, subtract } from '../tensor/ops/pointwise.js';
import { sum } from '../tensor/ops/reduce.js';
import { reshape, transpose } from '../tensor/ops/views.js';
import type { Tensor } from '../tensor/tensor.js';
import { adamW } from './adam.js';
import { checkSettings, type DecayOptions, flushedSquare, type Optimizer, optimizerOf } from './optimizer.js';
import { buildTogether } from './together.js';

export interface MuonOptions extends DecayOptions {
  /** η, default 0.001 as in Keras. What suits AdamW suits it too, or a little more. */
  readonly learningRate?: number;
  /** μ, at least 0 and below 1; default 0.95. */
  readonly momentum?: number;
  /** Default true. */
  readonly nesterov?: boolean;
}

/** Chosen by Jordan for the steepest slope at 0: singular values come near 1 in five steps, not to it. */
const newtonSchulz = { a: 3.4445, b: -4.775, c: 2.0315, steps: 5 };

/**
 * About U·Vᵀ of `[rows, columns]` X = U·Σ·Vᵀ, by Newton and Schulz:
 *
 *     X ← X / (‖X‖ + 1e-7);  then five times A = X·Xᵀ, X ← a·X + (b·A + c·A²)·X
 *
 * or, where there are more rows than columns, A = Xᵀ·X, X ← a·X + X·(b·A + c·A²): the same on the other side, with the
 * smaller A.
 */
function orthogonal(matrix: Tensor): Tensor {
  const tall = at(matrix.shape, 0) > at(matrix.shape, 1);
  const { a, b, c, steps } = newtonSchulz;
  // singular values are below 1 and grow 500 times at most: what is below 2⁻⁴⁰ is seen by none of them
  const small = (value: Tensor) => flush(value, 2 ** -40);
  let x = small(divide(matrix, add(sqrt(sum(flushedSquare(matrix))), 1e-7)));
  for (let i = 0; i < steps; i++) {
    const product = small(tall ? matmul(transpose(x), x) : matmul(x, transpose(x)));
    const polynomial = small(add(multiply(product, b), multiply(matmul(product, product), c)));
    x = small(add(multiply(x, a), tall ? matmul(x, polynomial) : matmul(polynomial, x)));
  }
  return x;
}

/**
 * Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), in the form of Liu et al. 2025
 * (arXiv:2502.16982) that Keras has: all directions of a matrix move equally far.
 *
 *     m ← μ·m + g;  d = g + μ·m (Nesterov) or m
 *     w ← w · (1 − η·λ) − η · 0.2 · √max(rows, columns) · orthogonal(d)
 *
 * Filters of a convolution are the matrix `[height · width · in, out]` (Keras leaves them to AdamW). What has fewer
 * than two axes follows `adamW` with its defaults and the same η. The default of λ is 0.004. A step costs fifteen
 * products of matrices per parameter: little beside a convolution, much beside a large dense layer.
 *
 * @param settings options, or the learning rate alone
 * @throws UsageError for an option out of range
 */
export function muon(settings: MuonOptions | number = {}, ...more: undefined[]): Optimizer {
  const options: MuonOptions = typeof settings === 'number' ? { learningRate: settings } : settings;
  checkSettings(
    'muon',
    options,
    { learningRate: true, weightDecay: true, decayVectors: true, momentum: true, nesterov: true },
    more,
  );
  const { learningRate = 0.001, momentum = 0.95, nesterov = true } = options;
  const { weightDecay = 0.004, decayVectors = false } = options;
  checkRange('muon: momentum', momentum, 0, 1);
  const decay = { weightDecay, decayVectors };
  const matrices = optimizerOf({
    name: 'muon',
    learningRate,
    options: { momentum, nesterov },
    decay,
    slots: ['momentum'],
    step:
      (rate) =>
      (kept, g, [before], { shape, size }) => {
        const next = add(multiply(before!, momentum), g);
        const direction = nesterov ? add(g, multiply(next, momentum)) : next;
        const columns = last(shape);
        const rows = size / columns;
        const change = reshape(orthogonal(reshape(direction, [rows, columns])), shape);
        const distance = multiply(rate, 0.2 * Math.sqrt(Math.max(rows, columns)));
        return { parameter: subtract(kept, multiply(change, distance)), states: [next] };
      },
  });
  const parts = [matrices, adamW({ learningRate, ...decay })].map((optimizer) => ({ optimizer, factor: 1 }));
  return {
    ...matrices,
    build: (parameters) => buildTogether('muon', parts, parameters, ({ rank }) => (rank < 2 ? 1 : 0)),
  };
}

import type { SoftmaxCrossEntropySpecification } from '../../../kernels/softmaxCrossEntropy/contract.js';
import { DtypeError, ShapeError } from '../../core/errors.js';
import { at, leading } from '../../core/lists.js';
import { sameShape } from '../../core/shape.js';
import { checkDtype, checkTensor, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import {
  cast,
  divide,
  exp,
  flush,
  greaterEqual,
  less,
  log,
  multiply,
  negate,
  subtract,
} from './pointwise.js';
import { max, sum } from './reduce.js';
import { expandDims, stopGradient } from './views.js';

/** x less its largest element along `axis`: the same softmax, and no exponential overflows. */
function shifted(x: Tensor, axis: number): Tensor {
  return subtract(x, stopGradient(max(x, axis, true)));
}

/** e^x / Σ e^x along `axis` (default: the last), float32; 0 where that is below 2⁻¹⁰⁰ of the largest. */
export function softmax(x: Tensor, axis = -1): Tensor {
  const powers = flush(exp(shifted(x, axis)));
  return divide(powers, sum(powers, axis, true));
}

/** x − ln Σ e^x along `axis` (default: the last), float32. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const z = shifted(x, axis);
  return subtract(z, log(sum(flush(exp(z)), axis, true)));
}

type Attributes = Pick<SoftmaxCrossEntropySpecification, 'labels'>;

// loss = −Σ y · log p: ∂z = p·Σy − y, ∂y = −log p
const lossOp: Op<Attributes> = {
  name: 'softmaxCrossEntropy',
  backward: ({ inputs, attributes }, g) => {
    const [logits, labels] = leading(inputs, 2);
    const row = expandDims(g, -1);
    const gradient = node(gradientOp, [logits, labels], attributes, {
      shape: logits.shape,
      dtype: 'float32',
    });
    return [
      multiply(row, gradient),
      attributes.labels === 'indices' ? undefined : multiply(row, negate(logSoftmax(logits))),
    ];
  },
  lower: ({ attributes: { labels } }) => ({
    type: 'kernel',
    kind: 'softmaxCrossEntropy',
    specification: { labels, outputs: ['loss'] },
  }),
};

// G = p·Σy − y, with s = Σy (1, or 0 outside the classes): ∂z of ΣhG = s·p·(h − Σhp), ∂y = Σhp − h
const gradientOp: Op<Attributes> = {
  name: 'softmaxCrossEntropyGradient',
  backward: ({ inputs, attributes }, h) => {
    const [logits, labels] = leading(inputs, 2);
    const p = softmax(logits);
    const centered = subtract(h, sum(multiply(h, p), -1, true));
    if (attributes.labels === 'distribution') {
      return [multiply(multiply(p, centered), sum(labels, -1, true)), negate(centered)];
    }
    const known = multiply(greaterEqual(labels, 0), less(labels, at(logits.shape, 1)));
    return [multiply(multiply(p, centered), expandDims(known, -1)), undefined];
  },
  lower: ({ attributes: { labels } }) => ({
    type: 'kernel',
    kind: 'softmaxCrossEntropy',
    specification: { labels, outputs: ['gradient'] },
  }),
};

/**
 * −Σ y · log softmax(logits) of each row, in one stable pass; its definition in plain ops is
 * `negate(sum(multiply(y, logSoftmax(logits)), -1))`.
 *
 * @param logits float32 `[batch, classes]`
 * @param labels class numbers `[batch]` (int32 or uint8; one outside the classes counts as all zeros), or float32
 *   `[batch, classes]`: one-hot or any distribution
 * @returns float32 `[batch]`
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  checkDtype('softmaxCrossEntropy', logits, 'float32');
  if (logits.rank !== 2) {
    throw new ShapeError(
      `softmaxCrossEntropy: logits must be [batch, classes]: ${describe(logits)} (${logits.rank} axes)`,
    );
  }
  checkTensor('softmaxCrossEntropy: labels', labels);
  const distribution = labels.dtype === 'float32';
  if (distribution && labels.rank === 1) {
    throw new DtypeError(
      `softmaxCrossEntropy: class numbers must be int32 or uint8, not float32: ${describe(labels)}`,
    );
  }
  const expected = distribution ? logits.shape : logits.shape.slice(0, 1);
  if (!sameShape(labels.shape, expected)) {
    throw new ShapeError(
      `softmaxCrossEntropy: logits ${describe(logits)} and labels ${describe(labels)} do not belong together`,
      { hint: 'Labels are class numbers [batch], or float32 [batch, classes].' },
    );
  }
  const inputs = [logits, distribution ? labels : cast(labels, 'int32')];
  return node(
    lossOp,
    inputs,
    { labels: distribution ? 'distribution' : 'indices' },
    { shape: logits.shape.slice(0, 1), dtype: 'float32' },
  );
}

/**
 * A max pool that alone reads the result of a convolution becomes part of it: the image before the pool, the largest
 * value of a plan as a rule, is never stored.
 */
import { poolsWithin } from '../../kernels/conv2d/contract.js';
import { sameShape } from '../core/shape.js';
import { type Draft, type DraftStep, Uses } from './draft.js';
import { keepsIndex } from './fuseMaps.js';
import type { Limits } from './limits.js';

type PoolStep = DraftStep<'maxPool'>;

/** The pool that takes all of the convolution's result as it is, if nobody else wants it. */
function poolBehind(uses: Uses, convolution: DraftStep<'conv2d'>): PoolStep | undefined {
  const { value, shape } = convolution.outputs[0]!;
  const [step, ...others] = uses.consumersOf(value);
  if (step?.kind !== 'maxPool' || others.length > 0 || uses.kept.has(value)) return undefined;
  const { specification, inputs } = step;
  const whole = keepsIndex(inputs[0]!) && sameShape(inputs[0]!.shape, shape);
  return whole && poolsWithin(specification) && specification.outputs[0] === 'values' ? step : undefined;
}

/** Runs behind the pass that makes epilogues, which may then add one behind the pool. */
export function fusePools(draft: Draft, limits: Limits): void {
  if (limits.pools !== true) return;
  const uses = new Uses(draft);
  const gone = new Set<DraftStep>();
  for (const step of draft.steps) {
    if (step.kind !== 'conv2d' || step.specification.pool !== undefined) continue;
    const pool = poolBehind(uses, step);
    if (pool === undefined) continue;
    const { epilogue, ...specification } = step.specification;
    step.specification = { ...specification, pool: { ...pool.specification, prologue: epilogue } };
    step.outputs = pool.outputs;
    step.label = `${step.label} ${pool.label}`;
    gone.add(pool);
  }
  draft.steps = draft.steps.filter((step) => !gone.has(step));
}

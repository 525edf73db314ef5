/** Checks of what a step function gives back: what would compute nothing is told, not left out in silence. */
import { checkOptionNames, kindOf } from '../core/check.js';
import { PlanError } from '../core/errors.js';
import type { Traced } from '../plan/lower.js';
import { Tensor } from '../tensor/tensor.js';

const hint = 'A step gives { outputs: { loss }, updates: [[leaf, tensor]] }, or one of the two.';

function checkOutputs(outputs: unknown): asserts outputs is Traced['outputs'] {
  const plain = typeof outputs === 'object' && outputs !== null;
  if (!plain || outputs instanceof Tensor || Array.isArray(outputs)) {
    throw new PlanError(`compile: outputs must be an object of tensors: ${kindOf(outputs)}`, { hint });
  }
  for (const [name, value] of Object.entries(outputs)) {
    if (value instanceof Tensor) continue;
    throw new PlanError(`compile: output '${name}' must be a tensor: ${kindOf(value)}`, { hint });
  }
}

function checkUpdates(updates: unknown): asserts updates is Traced['updates'] {
  if (!Array.isArray(updates)) {
    throw new PlanError(`compile: updates must be a list of pairs: ${kindOf(updates)}`, { hint });
  }
  for (const [i, pair] of updates.entries()) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new PlanError(`compile: update ${i} must be a pair of a leaf and a tensor: ${kindOf(pair)}`, {
        hint,
      });
    }
    if (pair[1] instanceof Tensor) continue;
    throw new PlanError(`compile: the new value of update ${i} must be a tensor: ${kindOf(pair[1])}`, {
      hint,
    });
  }
}

/**
 * The results of a step. Empty ones pass where they are named: lists that are made of a model may have nothing in them.
 *
 * @throws PlanError for anything else than a StepResult, UsageError for a name that it does not have
 */
export function checkStepResult(result: unknown): Traced {
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new PlanError('compile: the step gives a Promise: tracing it does not wait', {
      hint: 'Leave async and await out of the step: the graph is built at once, only running is awaited.',
    });
  }
  if (typeof result !== 'object' || result === null || result instanceof Tensor || Array.isArray(result)) {
    throw new PlanError(`compile: the step must give an object of outputs and updates: ${kindOf(result)}`, {
      hint,
    });
  }
  const given: { readonly outputs?: unknown; readonly updates?: unknown } = result;
  checkOptionNames('compile: the result of the step', given, { outputs: true, updates: true });
  const { outputs, updates } = given;
  if (outputs === undefined && updates === undefined) {
    throw new PlanError('compile: the step gives neither outputs nor updates: it would compute nothing', {
      hint,
    });
  }
  const traced = { outputs: outputs ?? {}, updates: updates ?? [] };
  checkOutputs(traced.outputs);
  checkUpdates(traced.updates);
  return { outputs: traced.outputs, updates: traced.updates };
}

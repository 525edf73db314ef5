import { checkRange } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import type { Leaf } from '../tensor/tensor.js';
import { checkOptimizer, type Optimizer, type OptimizerOptions } from './optimizer.js';
import { makeOptimizer } from './table.js';
import { buildTogether, type Part } from './together.js';

/** Options that differ for some of the parameters, as plain data. */
export interface ParameterGroup {
  /** The beginning or end of paths, in whole parts: `layers.0`, `bias`, `layers.0.bias`. */
  readonly match: string;
  /** Factor of the learning rate, schedule and all; default 1. 0 leaves the parameters as they are. */
  readonly learningRateFactor?: number;
  /** Options of the optimizer that have other values here: `{ weightDecay: 0 }`. */
  readonly options?: OptimizerOptions;
}

function matches(path: string, match: string): boolean {
  return path === match || path.startsWith(`${match}.`) || path.endsWith(`.${match}`);
}

const members = ['match', 'learningRateFactor', 'options'];

function checkGroup(group: ParameterGroup): void {
  if (typeof group.match !== 'string' || group.match === '') {
    throw new UsageError('parameterGroups: match must be a path, or the beginning or end of paths');
  }
  const unknown = Object.keys(group).find((name) => !members.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`parameterGroups: a group has no member '${unknown}': ${members.join(', ')}`, {
      hint: 'What is different for the optimizer goes into options: { weightDecay: 0 }.',
    });
  }
  checkRange('parameterGroups: learningRateFactor', group.learningRateFactor ?? 1, 0);
}

/** Throws a UsageError for a group that no parameter belongs to: its match is misspelt. */
function checkUse(groups: readonly ParameterGroup[], parameters: readonly Leaf[], used: ReadonlySet<number>) {
  for (const [i, { match }] of groups.entries()) {
    if (used.has(i)) continue;
    throw new UsageError(`parameterGroups: no parameter belongs to '${match}'`, {
      hint: `Each belongs to the first group that its path begins or ends with: ${parameters.map(({ name }) => name).join(', ')}.`,
    });
  }
}

/**
 * An optimizer that treats some parameters differently: `parameterGroups(adamW(), [{ match: 'layers.0',
 * learningRateFactor: 0.1 }, { match: 'bias', options: { weightDecay: 0 } }])`. A parameter belongs to the first group
 * that its path begins or ends with; what belongs to none is treated as the optimizer says. The states keep their names.
 *
 * @throws UsageError for a group that is wrong, and when it is built for parameters of which none belongs to a group
 */
export function parameterGroups(optimizer: Optimizer, groups: readonly ParameterGroup[]): Optimizer {
  checkOptimizer('parameterGroups: optimizer', optimizer);
  if (!Array.isArray(groups)) throw new UsageError('parameterGroups: groups must be a list');
  const { name, learningRate, options } = optimizer;
  const parts: Part[] = groups.map((group: ParameterGroup) => {
    checkGroup(group);
    const { learningRateFactor: factor = 1, options: others = {} } = group;
    if (Object.keys(others).length === 0) return { optimizer, factor };
    return { optimizer: makeOptimizer(name, { learningRate, ...options, ...others }), factor };
  });
  return {
    name: 'parameterGroups',
    learningRate,
    options: {
      optimizer: name,
      options,
      groups: groups.map(({ match, learningRateFactor = 1, options: others = {} }: ParameterGroup) => ({
        match,
        learningRateFactor,
        options: others,
      })),
    },
    build(parameters) {
      const used = new Set<number>();
      const built = buildTogether(
        'parameterGroups',
        [...parts, { optimizer, factor: 1 }],
        parameters,
        ({ name: path }) => {
          const found = groups.findIndex(({ match }) => matches(path, match));
          const part = found === -1 ? groups.length : found;
          used.add(part);
          return part;
        },
      );
      checkUse(groups, parameters, used);
      return built;
    },
  };
}

/** The description that `parameterGroups` gives, as an optimizer again. */
export function parseGroups(given: Readonly<Record<string, unknown>>): Optimizer {
  const { learningRate, optimizer, options, groups, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new UsageError(
      `parameterGroups: has no option '${unknown}': learningRate, optimizer, options, groups`,
    );
  }
  if (typeof optimizer !== 'string') {
    throw new UsageError('parameterGroups: optimizer must be the name of an optimizer');
  }
  const made = makeOptimizer(optimizer, {
    ...(learningRate !== undefined && { learningRate }),
    ...(options as OptimizerOptions | undefined),
  });
  return parameterGroups(made, groups as readonly ParameterGroup[]);
}

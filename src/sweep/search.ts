/** Chooses the settings that a sweep tries. All of them are known before the first training, by the seed alone. */
import { UsageError } from '../core/errors.js';
import { randomKey, randomUniform } from '../core/random.js';
import { permutation } from '../data/batches.js';
import { gridOf, type Spaces, spaceText, type Values, valueAt } from './space.js';

/** ASHA draws as `random` does; it differs in how far trials are trained. */
export type Search = 'grid' | 'random' | 'asha';

const defaultTrials = 27;
const mostTrials = 10_000;
/** A drawn setting that was there before is drawn again, so often. */
const attempts = 100;

/** Every combination, the last setting changing first; undefined where a range has no points. */
function combinations(spaces: Spaces): Values[] | undefined {
  let all: Values[] = [{}];
  for (const [name, space] of Object.entries(spaces)) {
    const values = gridOf(space);
    if (values === undefined) return undefined;
    if (all.length * values.length > mostTrials) {
      throw new UsageError(
        `sweep: the grid has more than ${mostTrials} combinations: ${all.length * values.length} up to ${name}`,
        { hint: '--search random draws some of them.' },
      );
    }
    all = all.flatMap((each) => values.map((value) => ({ ...each, [name]: value })));
  }
  return all;
}

function withoutPoints(spaces: Spaces): never {
  const [name, space] = Object.entries(spaces).find(([, each]) => gridOf(each) === undefined)!;
  throw new UsageError(`sweep: a grid needs the points of ${name}: ${spaceText(space)}`, {
    hint: `Give a list, or ${spaceText(space)}/5 for five points; --search random draws from ranges.`,
  });
}

/** Distinct settings, drawn one after another. */
function draw(spaces: Spaces, count: number, seed: number): Values[] {
  const keys = Object.keys(spaces).map((name) => randomKey(seed, 'sweep', name));
  const known = new Set<string>();
  const drawn: Values[] = [];
  for (let trial = 0; trial < count; trial++) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const values = Object.fromEntries(
        Object.entries(spaces).map(([name, space], i) => [
          name,
          valueAt(space, randomUniform(trial, keys[i]!, attempt)),
        ]),
      );
      const text = JSON.stringify(values);
      if (known.has(text)) continue;
      known.add(text);
      drawn.push(values);
      break;
    }
  }
  return drawn;
}

/** Tells whether all spaces are lists, and together not too many to be put in an order. */
function finite(spaces: Spaces): boolean {
  const sizes = Object.values(spaces).map((space) =>
    space.kind === 'choices' ? space.values.length : Infinity,
  );
  return sizes.reduce((product, size) => product * size, 1) <= mostTrials;
}

/**
 * The settings of the trials in their order, no two alike: a grid has every combination; `random` and `asha` draw, from lists
 * without putting back, so that as many trials as there are combinations are the whole grid in a random order.
 *
 * @param trials how many; default: all of a grid, else 27, or all combinations of the lists where those are fewer
 * @throws UsageError for a grid of ranges, or more than 10,000 trials
 */
export function chooseTrials(
  spaces: Spaces,
  {
    search,
    trials,
    seed,
  }: { readonly search: Search; readonly trials?: number | undefined; readonly seed: number },
): readonly Values[] {
  if (Object.keys(spaces).length === 0) {
    throw new UsageError('sweep: there is nothing to choose from', {
      hint: '--set learningRate=log:1e-4..1e-1 names a setting and its values, as does `sweep` in a recipe file.',
    });
  }
  if (trials !== undefined && trials > mostTrials)
    throw new UsageError(`sweep: more than ${mostTrials} trials: ${trials}`);
  if (search === 'grid') return (combinations(spaces) ?? withoutPoints(spaces)).slice(0, trials);
  const count = trials ?? defaultTrials;
  if (!finite(spaces)) return draw(spaces, count, seed);
  const all = combinations(spaces) ?? [];
  return [...permutation(all.length, seed, 'sweep')].slice(0, count).map((index) => all[index]!);
}

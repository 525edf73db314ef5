/**
 * How near does successive halving come to the best of a whole grid, and for how much of its time? Read in the table of a grid
 * that was trained to the end (bench/results/sweep-grids.json), by the validation accuracies and losses after every epoch: a trial that
 * pauses goes on to the same bytes, so what is read is what it would have had. Five samplings: the order of the settings.
 *
 *     node dist/bench/sweeps.js [--eta 3] [--samplings 200]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { permutation } from '../src/data/batches.js';
import { defaultEta, isBetter, planTrials, rungsOf, type Score } from '../src/sweep/halving.js';

interface Trial {
  readonly values: Readonly<Record<string, number>>;
  readonly accuracy: readonly number[];
  readonly loss: readonly number[];
  readonly processorSeconds: readonly number[];
}

const path = join(import.meta.dirname, '../../bench/results/sweep-grids.json');
const { grids } = JSON.parse(readFileSync(path, 'utf8')) as {
  grids: Record<string, { images: number; trials: readonly Trial[] }>;
};
const { values: options } = parseArgs({
  options: {
    eta: { type: 'string', default: String(defaultEta) },
    samplings: { type: 'string', default: '5' },
  },
});
const eta = Number(options.eta);
const seeds = Array.from({ length: Number(options.samplings) }, (_, seed) => seed);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const points = (value: number) => (100 * value).toFixed(2);

/** What the search chooses, and the seconds of processors that it takes. */
function search(trials: readonly Trial[], images: number, seed: number): { chosen: Trial; seconds: number } {
  const order = [...permutation(trials.length, seed, 'sweep')].map((index) => trials[index]!);
  const rungs = rungsOf(order[0]!.accuracy.length, eta);
  const known = new Set<string>();
  const scoreOf = (trial: number, rung: number): Score | undefined => {
    if (!known.has(`${trial} ${rung}`)) return undefined;
    const epoch = rungs[rung]! - 1;
    return { accuracy: order[trial]!.accuracy[epoch]!, loss: order[trial]!.loss[epoch]! };
  };
  for (;;) {
    const { open, members } = planTrials(order.length, rungs, { eta, images }, scoreOf);
    const [first] = open;
    if (first !== undefined) {
      known.add(`${first.trial} ${first.rung}`);
      continue;
    }
    const last = members.length - 1;
    const best = [...members[last]!].sort(
      (a, b) => isBetter(scoreOf(a, last)!, scoreOf(b, last)!) || a - b,
    )[0]!;
    const seconds = sum(
      order.map(({ processorSeconds }, trial) => {
        const reached = Math.max(
          ...members.flatMap((own, rung) => (own.includes(trial) ? [rungs[rung]!] : [])),
        );
        return sum(processorSeconds.slice(0, reached));
      }),
    );
    return { chosen: order[best]!, seconds };
  }
}

for (const [name, { trials, images }] of Object.entries(grids)) {
  const final = ({ accuracy }: Trial) => accuracy.at(-1)!;
  const best = Math.max(...trials.map(final));
  const whole = sum(trials.map(({ processorSeconds }) => sum(processorSeconds)));
  console.log(
    `${name}: ${trials.length} settings, best ${points(best)}%, ${whole.toFixed(0)} s of processors`,
  );
  const found = seeds.map((seed) => search(trials, images, seed));
  for (const [i, { chosen, seconds }] of found.slice(0, 5).entries()) {
    const below = points(best - final(chosen));
    console.log(
      `  sampling ${seeds[i]}: ${points(final(chosen))}%, ${below} points below, ${points(seconds / whole)}% of the time, ${JSON.stringify(chosen.values)}`,
    );
  }
  const mean = (values: readonly number[]) => sum(values) / values.length;
  const below = mean(found.map(({ chosen }) => best - final(chosen)));
  console.log(
    `  mean: ${points(below)} points below, ${points(mean(found.map(({ seconds }) => seconds / whole)))}% of the time`,
  );
}

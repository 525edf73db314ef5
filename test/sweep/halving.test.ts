import * as assert from 'uvu/assert';
import { randomKey, randomUniform } from '../../src/core/random.js';
import { permutation } from '../../src/data/batches.js';
import { failed, planTrials, rungsOf, type Score, type Step } from '../../src/sweep/halving.js';
import { suite } from '../support/suite.js';

const score = (accuracy: number): Score => ({ accuracy, loss: 0 });

/** So many images that accuracies have no error. */
const rule = (eta: number) => ({ eta, images: 1e15 });

/** Trains with some workers, each step taking as long as `durations` says; gives what was trained in the end. */
function simulate(
  trials: number,
  rungs: readonly number[],
  eta: number,
  truth: (trial: number, rung: number) => Score,
  workers: number,
  seed: number,
): readonly (readonly number[])[] {
  const known = new Map<string, Score>();
  const name = ({ trial, rung }: Step) => `${trial} ${rung}`;
  let running: { step: Step; end: number }[] = [];
  let now = 0;
  for (let count = 0; ; count++) {
    const plan = planTrials(trials, rungs, rule(eta), (trial, rung) => known.get(name({ trial, rung })));
    for (const step of plan.open) {
      if (running.length === workers) break;
      if (running.some((each) => name(each.step) === name(step))) continue;
      running.push({
        step,
        end: now + randomUniform(count * 100 + running.length, randomKey(seed, 'duration'), 0),
      });
    }
    if (running.length === 0) return plan.members;
    const first = running.reduce((a, b) => (a.end <= b.end ? a : b));
    running = running.filter((each) => each !== first);
    now = first.end;
    known.set(name(first.step), truth(first.step.trial, first.step.rung));
  }
}

suite('successive halving', (test) => {
  test('rungs are the whole divided by eta again and again', () => {
    assert.equal(rungsOf(10, 3), [1, 3, 10]);
    assert.equal(rungsOf(6, 3), [1, 2, 6]);
    assert.equal(rungsOf(81, 3), [1, 3, 9, 27, 81]);
    assert.equal(rungsOf(25, 4), [1, 2, 6, 25]);
    assert.equal(rungsOf(6, 4), [1, 2, 6]);
    assert.equal(rungsOf(1, 3), [1]);
    assert.equal(rungsOf(2, 2), [1, 2]);
    assert.throws(() => rungsOf(10, 1), /^sweep: eta must be a whole number of at least 2: got 1$/);
    assert.throws(() => rungsOf(10, 2.5), /^sweep: eta must be a whole number of at least 2: got 2\.5$/);
  });

  test('one of every eta goes on: the best that has not, of those whose results are known', () => {
    const accuracies = [0.5, 0.7, 0.6, 0.9, 0.8, 0.1, 0.2, 0.3, 0.4];
    const plan = (known: number) =>
      planTrials(9, [1, 3, 9], rule(3), (trial, rung) =>
        rung === 0 && trial < known ? score(accuracies[trial]!) : undefined,
      ).members;
    assert.equal(plan(2)[1], []);
    assert.equal(plan(3)[1], [1]);
    assert.equal(plan(5)[1], [1]);
    assert.equal(plan(6)[1], [1, 3]);
    assert.equal(plan(9)[1], [1, 3, 4]);
  });

  test('higher rungs are trained first', () => {
    const { open } = planTrials(4, [1, 3], rule(3), (trial, rung) =>
      rung === 0 && trial < 3 ? score(trial) : undefined,
    );
    assert.equal(open, [
      { trial: 2, rung: 1 },
      { trial: 3, rung: 0 },
    ]);
  });

  test('of a few trials one is trained to the end, and none that failed', () => {
    const members = (accuracies: readonly Score[]) =>
      planTrials(accuracies.length, [1, 3, 9], rule(3), (trial) => accuracies[trial]).members;
    assert.equal(members([score(0.1), score(0.3)]), [[0, 1], [1], [1]]);
    assert.equal(members([failed, failed, failed]), [[0, 1, 2], [], []]);
    assert.equal(members([failed, score(0.1), failed, failed]), [[0, 1, 2, 3], [1], [1]]);
  });

  test('equal accuracies: the smaller loss, then the smaller number', () => {
    const scores = [
      { accuracy: 0.5, loss: 2 },
      { accuracy: 0.5, loss: 1 },
      { accuracy: 0.5, loss: 1 },
    ];
    assert.equal(planTrials(3, [1, 3], rule(3), (trial) => scores[trial]).members[1], [1]);
  });

  test('within one standard error of the best accuracy the smallest loss goes on', () => {
    // of 0.9 on 900 images: sqrt(0.9 · 0.1 / 900) = 0.01
    const scores = [
      { accuracy: 0.9, loss: 0.5 },
      { accuracy: 0.891, loss: 0.4 },
      { accuracy: 0.889, loss: 0.1 },
      { accuracy: 0.895, loss: 0.3 },
    ];
    const members = (images: number) =>
      planTrials(4, [1, 3], { eta: 4, images }, (trial) => scores[trial]).members[1];
    assert.equal(members(900), [3]);
    assert.equal(members(9), [2]);
    assert.equal(members(1e9), [0]);
  });

  test('what is trained does not depend on the number of workers or on who is first', () => {
    for (const trials of [9, 20, 27]) {
      const truth = (trial: number, rung: number) =>
        score(
          randomUniform(trial, randomKey(7, 'quality'), 0) +
            0.2 * randomUniform(trial, randomKey(7, 'noise'), rung),
        );
      const alone = simulate(trials, [1, 3, 10], 3, truth, 1, 0);
      for (const workers of [2, 3, 8])
        for (const seed of [1, 2]) assert.equal(simulate(trials, [1, 3, 10], 3, truth, workers, seed), alone);
    }
  });

  test('no more than a third goes on, and the best of 27 always when rungs tell the truth', () => {
    for (let seed = 0; seed < 20; seed++) {
      const quality = permutation(27, seed);
      const members = simulate(27, [1, 3, 10], 3, (trial) => score(quality[trial]!), 4, seed);
      assert.equal(
        members.map(({ length }) => length),
        [27, 9, 3],
      );
      assert.ok(members[2]!.includes(quality.indexOf(26)));
    }
  });

  test('a single rung is no halving', () => {
    assert.equal(planTrials(3, [5], rule(3), () => undefined).open.length, 3);
    assert.equal(planTrials(3, [5], rule(3), score).open, []);
  });
});

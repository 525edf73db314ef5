import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import {
  type Plateau,
  type PlateauOptions,
  type PlateauState,
  reduceOnPlateau,
} from '../../src/optimizers/plateau.js';
import { assertThrows, readFixture } from '../nn/support.js';
import { suite } from '../support/suite.js';

interface Case {
  readonly options: PlateauOptions;
  readonly values: number[];
  /** Of the learning rate, after every epoch. */
  readonly factors: number[];
}

const { about, plateaus } = readFixture<{ about: string; plateaus: Case[] }>(
  'optimizers/fixtures/optimizers.json',
);

function follow(plateau: Plateau, values: readonly number[]): PlateauState[] {
  const states = [plateau.initial()];
  for (const value of values) states.push(plateau.next(states.at(-1)!, value));
  return states.slice(1);
}

suite(`reduceOnPlateau beside ${about}`, (test) => {
  for (const { options, values, factors } of plateaus) {
    test(JSON.stringify(options), () => {
      assert.ok(new Set(factors).size > 2, 'the rate falls more than once');
      assert.equal(
        follow(reduceOnPlateau(options), values).map(({ factor }) => factor),
        factors,
      );
    });
  }
});

suite('reduceOnPlateau', (test) => {
  test('defaults', () => {
    assert.equal(reduceOnPlateau().options, {
      factor: 0.1,
      patience: 10,
      minDelta: 1e-4,
      cooldown: 0,
      minFactor: 0,
      monitor: 'validationLoss',
    });
    assert.equal(reduceOnPlateau().initial(), { factor: 1, best: null, wait: 0, cooling: 0 });
  });

  test('options and states are plain data: what was stored goes on alike', () => {
    const { options, values } = plateaus[1]!;
    const plateau = reduceOnPlateau(options);
    const states = follow(plateau, values);
    const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
    for (const [i, state] of states.slice(0, -1).entries()) {
      const again = reduceOnPlateau(copy(plateau.options));
      assert.equal(again.next(copy(state), values[i + 1]!), states[i + 1]);
    }
  });

  test('next leaves the state that it is given as it is', () => {
    const plateau = reduceOnPlateau({ patience: 1 });
    const state = Object.freeze(plateau.initial());
    plateau.next(state, 1);
    assert.equal(state, plateau.initial());
  });

  test('what is no finite number is no improvement', () => {
    const [first, second, third] = follow(reduceOnPlateau({ patience: 2, factor: 0.5 }), [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      5,
    ]);
    assert.equal(first, { factor: 1, best: null, wait: 1, cooling: 0 });
    assert.equal(second, { factor: 0.5, best: null, wait: 0, cooling: 0 });
    assert.equal(third, { factor: 0.5, best: 5, wait: 0, cooling: 0 });
  });

  test('the smallest factor ends it', () => {
    const plateau = reduceOnPlateau({ patience: 1, factor: 0.5, minFactor: 0.25 });
    assert.equal(
      follow(plateau, [1, 1, 1, 1, 1]).map(({ factor }) => factor),
      [1, 0.5, 0.25, 0.25, 0.25],
    );
  });

  test('options out of range are refused', () => {
    const refuse = (options: PlateauOptions, message: string) =>
      assertThrows(() => reduceOnPlateau(options), UsageError, `reduceOnPlateau: ${message}`);
    refuse({ factor: 1 }, 'factor must be at least 0 and below 1: 1');
    refuse({ patience: 0 }, 'patience must be a whole number of at least 1: 0');
    refuse({ minDelta: -1 }, 'minDelta must be a number of at least 0: -1');
    refuse({ cooldown: 0.5 }, 'cooldown must be a whole number of at least 0: 0.5');
    refuse({ minFactor: 1 }, 'minFactor must be at least 0 and below 1: 1');
    refuse(
      { monitor: 'speed' as never },
      'monitor must be one of validationLoss, validationAccuracy, loss, accuracy: speed',
    );
  });
});

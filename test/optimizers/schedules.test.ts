import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { oneCycle } from '../../src/optimizers/oneCycle.js';
import { parseSchedule, scheduleNames } from '../../src/optimizers/parse.js';
import {
  constantRate,
  cosineDecay,
  exponentialDecay,
  linearDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
  warmUp,
} from '../../src/optimizers/schedules.js';
import { assertClose, assertThrows, readFixture } from '../nn/support.js';
import { suite } from '../support/suite.js';

const { about, schedules } = readFixture<{
  about: string;
  schedules: Record<string, number[]>;
}>('optimizers/fixtures/optimizers.json');

const factors = (schedule: Schedule, totalSteps: number, count = totalSteps) =>
  Array.from({ length: count }, (_, step) => schedule.factor(step, totalSteps));

suite('schedules', (test) => {
  test(`oneCycle beside ${about}`, () => {
    assertClose('oneCycle', factors(oneCycle(), 20), schedules.oneCycle!, 1e-10);
    const options = { warmup: 0.4, startDivisor: 10, finalDivisor: 100 };
    assertClose('oneCycle', factors(oneCycle(options), 11), schedules.oneCycleOptions!, 1e-10);
    const check = (name: string, schedule: Schedule, steps: number) =>
      assertClose(name, factors(schedule, steps), schedules[name]!, 1e-10);
    const linear = { anneal: 'linear' } as const;
    check('oneCycleLinear', oneCycle({ warmup: 0.25, startDivisor: 8, finalDivisor: 50, ...linear }), 17);
    check('oneCycleThreePhases', oneCycle({ ...options, threePhases: true }), 23);
    check(
      'oneCycleSmith',
      oneCycle({ warmup: 0.45, startDivisor: 10, finalDivisor: 10, threePhases: true, ...linear }),
      20,
    );
  });

  test(`cosineDecay beside ${about}`, () => {
    // Keras computes in float32
    assertClose('cosineDecay', factors(cosineDecay(), 10, 11), schedules.cosineDecay!, 1e-7);
    assertClose('cosineDecay', factors(cosineDecay({ final: 0.1 }), 7, 8), schedules.cosineDecayFinal!, 1e-7);
  });

  test(`linearDecay and polynomialDecay beside ${about}`, () => {
    const check = (name: string, schedule: Schedule, steps: number, tolerance: number) =>
      assertClose(name, factors(schedule, steps, steps + 1), schedules[name]!, tolerance);
    check('linearDecay', linearDecay({ final: 0.125 }), 8, 1e-10);
    check('polynomialDecay', polynomialDecay({ power: 2.5 }), 9, 1e-10);
    check('polynomialDecayFinal', polynomialDecay({ power: 3, final: 0.25 }), 8, 1e-7);
  });

  test('warmUp goes before any schedule', () => {
    assert.equal(
      factors(warmUp(linearDecay(), { warmup: 0.5 }), 8, 9),
      [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0],
    );
    assert.equal(factors(warmUp(constantRate(), { warmup: 0.5, start: 0.5 }), 4), [0.75, 1, 1, 1]);
    assert.equal(
      factors(warmUp(cosineDecay(), { warmup: 0.25 }), 16),
      factors(cosineDecay({ warmup: 0.25 }), 16),
    );
    // a step is always left for the schedule
    assert.equal(factors(warmUp(stepDecay(), { warmup: 0.9 }), 1), [1]);
    assert.equal(factors(warmUp(constantRate(), { warmup: 0 }), 2), [1, 1]);
  });

  test('cosineDecay warms up along a line', () => {
    const rates = factors(cosineDecay({ warmup: 0.25 }), 16, 17);
    assert.equal(rates.slice(0, 5), [0.25, 0.5, 0.75, 1, 1]);
    assert.is(rates[10], 0.5);
    assert.is(rates[16], 0);
  });

  test('constantRate, stepDecay, exponentialDecay by hand', () => {
    assert.equal(factors(constantRate(), 3), [1, 1, 1]);
    assert.equal(factors(stepDecay({ factor: 0.5 }), 8), [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]);
    assert.equal(factors(stepDecay({ factor: 0, milestones: [0.34] }), 3), [1, 1, 0]);
    const decay = exponentialDecay({ final: 0.0625 });
    assertClose('exponentialDecay', factors(decay, 4, 5), [1, 0.5, 0.25, 0.125, 0.0625], 1e-15);
    assert.is(exponentialDecay().factor(0, 7), 1);
  });

  test('beyond the end the last factor stays; a training of one step has one', () => {
    for (const name of scheduleNames) {
      const schedule = parseSchedule(name);
      assert.is(schedule.factor(90, 10), schedule.factor(10, 10), name);
      assert.ok(Number.isFinite(schedule.factor(0, 1)), name);
      assert.ok(schedule.factor(0, 1) > 0, name);
    }
  });

  test('parseSchedule finds a description again', () => {
    for (const made of [
      constantRate(),
      stepDecay({ milestones: [0.1, 0.9] }),
      exponentialDecay({ final: 0.5 }),
      cosineDecay({ warmup: 0.1 }),
      linearDecay({ final: 0.5 }),
      polynomialDecay({ power: 3 }),
      oneCycle({ startDivisor: 10 }),
      oneCycle({ anneal: 'linear', threePhases: true }),
      warmUp(stepDecay({ milestones: [0.5] }), { warmup: 0.25 }),
      warmUp(warmUp(constantRate()), { start: 0.5 }),
    ]) {
      const again = parseSchedule(made.name, JSON.parse(JSON.stringify(made.options)));
      assert.equal(again.options, made.options);
      assert.equal(factors(again, 9), factors(made, 9));
    }
  });

  test('errors', () => {
    const steps = 'constantRate: step must be an integer ≥ 0 and totalSteps ≥ 1:';
    assertThrows(() => constantRate().factor(-1, 5), UsageError, `${steps} -1 of 5`);
    assertThrows(() => constantRate().factor(0.5, 5), UsageError, `${steps} 0.5 of 5`);
    assertThrows(() => constantRate().factor(0, 0), UsageError, `${steps} 0 of 0`);
    const between = 'must be at least 0 and below 1:';
    assertThrows(() => cosineDecay({ warmup: 1 }), UsageError, `cosineDecay: warmup ${between} 1`);
    assertThrows(() => oneCycle({ warmup: -1 }), UsageError, `oneCycle: warmup ${between} -1`);
    assertThrows(
      () => stepDecay({ milestones: [0.5, 2] }),
      UsageError,
      `stepDecay: a milestone ${between} 2`,
    );
    assertThrows(
      () => cosineDecay({ final: -1 }),
      UsageError,
      'cosineDecay: final must be a number of at least 0: -1',
    );
    assertThrows(
      () => stepDecay({ factor: -1 }),
      UsageError,
      'stepDecay: factor must be a number of at least 0: -1',
    );
    assertThrows(
      () => exponentialDecay({ final: 0 }),
      UsageError,
      'exponentialDecay: final must be a number above 0: 0',
    );
    assertThrows(
      () => oneCycle({ startDivisor: 0.5 }),
      UsageError,
      'oneCycle: startDivisor must be a number of at least 1: 0.5',
    );
    assertThrows(
      () => oneCycle({ finalDivisor: 0 }),
      UsageError,
      'oneCycle: finalDivisor must be a number of at least 1: 0',
    );
    assertThrows(
      () => parseSchedule('cosine'),
      UsageError,
      "schedule: there is no 'cosine': constantRate, stepDecay, linearDecay, polynomialDecay, exponentialDecay, cosineDecay, oneCycle\n  Did you mean cosineDecay?",
    );
    assertThrows(
      () => oneCycle({ anneal: 'cubic' as never }),
      UsageError,
      'oneCycle: anneal must be cosine or linear: cubic',
    );
    assertThrows(
      () => oneCycle({ warmup: 0.5, threePhases: true }),
      UsageError,
      'oneCycle: warmup must be at least 0 and below 0.5: 0.5',
    );
    assertThrows(
      () => linearDecay({ final: -1 }),
      UsageError,
      'linearDecay: final must be a number of at least 0: -1',
    );
    assertThrows(
      () => polynomialDecay({ power: 0 }),
      UsageError,
      'polynomialDecay: power must be a number above 0: 0',
    );
    assertThrows(
      () => polynomialDecay({ final: -1 }),
      UsageError,
      'polynomialDecay: final must be a number of at least 0: -1',
    );
    assertThrows(() => warmUp(constantRate(), { warmup: 1 }), UsageError, `warmUp: warmup ${between} 1`);
    assertThrows(() => warmUp(constantRate(), { start: 1 }), UsageError, `warmUp: start ${between} 1`);
    for (const schedule of [undefined, 'linearDecay', { options: {} }]) {
      assertThrows(
        () => parseSchedule('warmUp', { schedule }),
        UsageError,
        'warmUp: schedule must be the name and options of a schedule',
      );
    }
    assertThrows(
      () => parseSchedule('warmUp', { schedule: { name: 'constantRate' }, steps: 3 }),
      UsageError,
      "warmUp: has no option 'steps': warmup, start",
    );
    assertThrows(
      () => parseSchedule('constantRate', { rate: 1 }),
      UsageError,
      "constantRate: has no option 'rate': it has none",
    );
    assertThrows(
      () => parseSchedule('cosineDecay', { warmup: '1' }),
      UsageError,
      'cosineDecay: warmup must be a number, not a string',
    );
    assertThrows(
      () => parseSchedule('stepDecay', { milestones: {} }),
      UsageError,
      'stepDecay: milestones must be a list of fractions',
    );
  });
});

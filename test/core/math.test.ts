import * as assert from 'uvu/assert';
import { exactCos, exactExp, exactLog, exactPower } from '../../src/core/math.js';
import { randomUniform } from '../../src/core/random.js';
import { suite } from '../support/suite.js';

const samples = Array.from({ length: 20_000 }, (_, i) => randomUniform(i, 5, 0));

/** Largest relative difference over the samples. */
function worst(
  arguments_: readonly number[],
  ours: (x: number) => number,
  host: (x: number) => number,
): number {
  return Math.max(...arguments_.map((x) => Math.abs(ours(x) - host(x)) / Math.abs(host(x))));
}

suite('exact mathematics', (test) => {
  test('exactLog is Math.log within 1e-15, from the smallest to the largest number', () => {
    assert.ok(worst(samples, exactLog, Math.log) < 1e-15);
    const wide = samples.map((u) => 2 ** (2000 * (u - 0.5)) * (1 + u));
    assert.ok(worst(wide, exactLog, Math.log) < 1e-15);
    assert.ok(worst([5e-324, Number.MAX_VALUE, 1 + 2 ** -52, 1 - 2 ** -53], exactLog, Math.log) < 1e-15);
    assert.is(exactLog(1), 0);
    assert.is(exactLog(0), -Infinity);
    assert.is(exactLog(Infinity), Infinity);
    assert.ok(Number.isNaN(exactLog(-1)) && Number.isNaN(exactLog(Number.NaN)));
  });

  test('exactExp is Math.exp within 1e-15', () => {
    const wide = samples.map((u) => 1400 * (u - 0.5));
    assert.ok(worst(wide, exactExp, Math.exp) < 1e-15);
    assert.ok(worst(samples, exactExp, Math.exp) < 1e-15);
    assert.is(exactExp(0), 1);
    assert.is(exactExp(-800), 0);
    assert.is(exactExp(800), Infinity);
    assert.is(exactExp(-Infinity), 0);
    assert.ok(Number.isNaN(exactExp(Number.NaN)));
  });

  test('exactPower is Math.pow within 1e-14', () => {
    assert.ok(
      worst(
        samples,
        (u) => exactPower(u, 3 * u),
        (u) => u ** (3 * u),
      ) < 1e-14,
    );
    assert.ok(
      worst(
        samples,
        (u) => exactPower(0.01, u),
        (u) => 0.01 ** u,
      ) < 1e-14,
    );
  });

  test('exactCos is Math.cos within 1e-15, many turns too', () => {
    const difference = (x: number) => Math.abs(exactCos(x) - Math.cos(x));
    assert.ok(Math.max(...samples.map((u) => difference(Math.PI * u))) < 1e-15);
    assert.ok(Math.max(...samples.map((u) => difference(2e5 * (u - 0.5)))) < 1e-15);
    assert.is(exactCos(0), 1);
    assert.is(exactCos(Math.PI), -1);
  });

  // The bits that every engine must give: within one unit of the last place.
  test('golden bits', () => {
    assert.is(exactLog(3), 1.0986122886681096);
    assert.is(exactLog(0.7), -0.35667494393873245);
    assert.is(exactExp(3), 20.085536923187668);
    assert.is(exactExp(-0.5), 0.6065306597126334);
    assert.is(exactCos(1), 0.5403023058681398);
    assert.is(exactCos(2.5), -0.8011436155469337);
  });
});

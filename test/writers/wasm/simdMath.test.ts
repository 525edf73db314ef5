import * as assert from 'uvu/assert';
import { call, input, type PointwiseFunction } from '../../../src/core/expression.js';
import { suite } from '../../support/suite.js';
import { evaluate, levels } from './simdSupport.js';

const samples = 1 << 18;

/** Evenly spaced from low to high. */
function between(low: number, high: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, i) => low + ((high - low) * i) / (samples - 1));
}

/** Evenly spaced bit patterns: every sign, every exponent, infinities and NaN. */
function everywhere(): Float32Array {
  return new Float32Array(
    Uint32Array.from({ length: samples }, (_, i) => i * 16384 + ((i * 40503) & 16383)).buffer,
  );
}

/** Distance of neighboring float32 around x. */
function ulpAt(x: number): number {
  const [exponent] = new Uint32Array(Float32Array.of(x).buffer);
  return 2 ** (Math.max(1, (exponent! >>> 23) & 0xff) - 150);
}

/** The largest error in ulp; NaN and infinities must be where they belong, an overflow within half an ulp of it. */
function worstError(actual: ArrayLike<number>, expected: (i: number) => number, largest = Infinity): number {
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const [a, e] = [actual[i]!, expected(i)];
    if (Number.isNaN(e) ? Number.isNaN(a) : Object.is(a, Math.fround(e))) continue;
    const finite = Number.isFinite(a) && Number.isFinite(Math.fround(e));
    const error = finite ? Math.abs(a - e) / ulpAt(e) : Infinity;
    if (error > worst && Math.abs(e) < largest) worst = error;
  }
  return worst;
}

const functions: [
  name: PointwiseFunction,
  exact: (x: number) => number,
  bound: number,
  ranges: [number, number][],
][] = [
  [
    'exp',
    Math.exp,
    1.1,
    [
      [-1, 1],
      [-104, -80],
      [-88, 88.72],
      [88.7, 89.5],
    ],
  ],
  [
    'log',
    Math.log,
    0.9,
    [
      [0.5, 2],
      [0.99, 1.01],
      [0, 1e-38],
      [0, 1e9],
    ],
  ],
  [
    'tanh',
    Math.tanh,
    1.5,
    [
      [-1, 1],
      [0.6, 0.65],
      [-10, 10],
    ],
  ],
];

suite('simd math', (test) => {
  for (const simd of levels) {
    for (const [name, exact, bound, ranges] of functions) {
      test(`${name} is within ${bound} ulp (${simd})`, () => {
        for (const x of [...ranges.map(([low, high]) => between(low, high)), everywhere()]) {
          const [y] = evaluate([call(name, input(0))], [x], simd);
          const worst = worstError(y!, (i) => exact(x[i]!));
          assert.ok(worst <= bound, `${worst} ulp from ${x[0]} to ${x.at(-1)}`);
        }
      });
    }

    test(`exp, log and tanh at the ends of the range (${simd})`, () => {
      const x = Float32Array.of(
        0,
        -0,
        Infinity,
        -Infinity,
        Number.NaN,
        1,
        -1,
        89,
        -104.5,
        1e-45,
        -1e-45,
        3.4e38,
      );
      for (const [name, exact] of functions) {
        const [y] = evaluate([call(name, input(0))], [x], simd);
        const rounded = Float32Array.from(x, (value) => exact(value));
        // where both are finite the bound above holds
        x.forEach((value, i) => {
          if (!Number.isFinite(rounded[i]!) || rounded[i] === 0) {
            assert.ok(
              Object.is(y![i], rounded[i]),
              `${name} of ${value} is ${y![i]} instead of ${rounded[i]}`,
            );
          }
        });
      }
    });

    test(`power is within 2 ulp where results are moderate, within 4 everywhere (${simd})`, () => {
      const mix = (i: number) => ((i * 2654435761) % 2 ** 32) / 2 ** 32;
      const cases: [base: Float32Array, exponent: Float32Array, bound: number, below: number][] = [
        [between(0, 4), Float32Array.from({ length: samples }, (_, i) => 6 * mix(i) - 3), 2, 1e4],
        [between(0, 1000), Float32Array.from({ length: samples }, (_, i) => 24 * mix(i) - 12), 4, Infinity],
        [
          between(0.9, 1.1),
          Float32Array.from({ length: samples }, (_, i) => 1800 * mix(i) - 900),
          4,
          Infinity,
        ],
        [between(0, 1e-37), Float32Array.from({ length: samples }, (_, i) => 4 * mix(i) - 2), 4, Infinity],
        [
          between(-3, 3),
          Float32Array.from({ length: samples }, (_, i) => Math.floor(40 * mix(i)) - 20),
          4,
          Infinity,
        ],
        [everywhere(), everywhere().reverse(), 4, Infinity],
      ];
      for (const [x, y, bound, below] of cases) {
        const [z] = evaluate([call('power', input(0), input(1))], [x, y], simd);
        const worst = worstError(z!, (i) => x[i]! ** y[i]!, below);
        assert.ok(worst <= bound, `${worst} ulp for bases from ${x[0]} to ${x.at(-1)}`);
      }
    });

    test(`power has the cases of Math.pow (${simd})`, () => {
      const values = [
        0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1e30, -1e30, 1e-40, -1e-40, 16777215, -16777215, 16777216,
      ];
      values.push(Infinity, -Infinity, Number.NaN);
      const x = Float32Array.from({ length: values.length ** 2 }, (_, i) => values[i % values.length]!);
      const y = Float32Array.from(
        { length: values.length ** 2 },
        (_, i) => values[Math.floor(i / values.length)]!,
      );
      const [z] = evaluate([call('power', input(0), input(1))], [x, y], simd);
      z!.forEach((value, i) => {
        const expected = Math.fround(x[i]! ** y[i]!);
        const close = Math.abs(value - expected) <= 2 * ulpAt(expected) && expected !== 0;
        assert.ok(
          Object.is(value, expected) || close,
          `${x[i]} ^ ${y[i]} is ${value} instead of ${expected}`,
        );
      });
    });
  }
});

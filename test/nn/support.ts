/** What the tests of layers and optimizers share. */
import { readFileSync } from 'node:fs';
import type { NdArray } from 'ndarray';
import * as assert from 'uvu/assert';
import type { QuernError } from '../../src/core/errors.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import type { BackendOptions } from '../../src/engine/options.js';

/** Rows of numbers as the fixtures hold them. */
export interface Plain {
  readonly shape: number[];
  readonly data: number[];
}

/** A fixture of the source tree: `nn/fixtures/layers.json`. Compiled tests run from dist/. */
export function readFixture<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../../../test/${path}`, import.meta.url), 'utf8')) as T;
}

/** Runs `work` with an engine that is closed whatever happens. */
export async function withEngine<T>(
  options: BackendOptions,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(options);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** The numbers of a result, row-major. */
export function valuesOf({ data }: NdArray): number[] {
  return Array.from(data as ArrayLike<number>);
}

/** Asserts that numbers agree within `tolerance` · max(1, |expected|). */
export function assertClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  assert.is(actual.length, expected.length, `${what}: number of elements`);
  for (let i = 0; i < expected.length; i++) {
    const bound = tolerance * Math.max(1, Math.abs(expected[i]!));
    if (!(Math.abs(actual[i]! - expected[i]!) <= bound)) {
      assert.unreachable(`${what}: element ${i} is ${actual[i]}, expected ${expected[i]} ± ${bound}`);
    }
  }
}

/** Asserts that `work` throws an error of this class with this message (the hint, on its own line, included). */
export function assertThrows(
  work: () => unknown,
  type: abstract new (...args: never[]) => QuernError,
  message: string,
): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, type, `expected: ${message}`);
  assert.is((thrown as QuernError).message, message);
}

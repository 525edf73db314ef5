import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QuernError } from '../../src/core/errors.js';
import { randomFrom } from './mutate.js';
import type { Target } from './targets.js';

/** An input that was neither read nor refused with a sentence. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** The input of a seed. */
export function inputOf({ corpus, mutate }: Target, seed: number): Uint8Array {
  const random = randomFrom(seed);
  return mutate(corpus[Math.floor(random() * corpus.length)]!, random);
}

/** Reads changed inputs, one for each seed. What is printed meanwhile is not shown. */
export async function fuzz(target: Target, firstSeed: number, count: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'quern-fuzz-'));
  const { log, error: complain } = console;
  try {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const input = inputOf(target, seed);
      try {
        console.log = () => {};
        console.error = () => {};
        await target.read(input, folder);
      } catch (error) {
        if (!(error instanceof QuernError)) findings.push({ target: target.name, seed, input, error });
      } finally {
        console.log = log;
        console.error = complain;
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return findings;
}

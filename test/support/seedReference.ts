/** What a training of the seed models gives by the definitions: shared by the files of a run, since it takes long. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as quern from '../../src/browser.js';
import { type SeedOptions, type SeedResult, trainSeedModel } from './seedTraining.js';

const dist = join(import.meta.dirname, '../..');

/** SHA-256 of the compiled library, of what is trained and of the version of Node: what was kept of another build is not read. */
function buildHash(): string {
  const hash = createHash('sha256').update(process.version);
  for (const folder of ['src', 'kernels', 'test/support']) {
    const files = readdirSync(join(dist, folder), { recursive: true, encoding: 'utf8' });
    const scripts = files.filter((file) => file.endsWith('.js') && !file.startsWith('vendor'));
    for (const file of scripts.sort()) hash.update(file).update(readFileSync(join(dist, folder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

let folder: string | undefined;
const known = new Map<string, Promise<SeedResult>>();

async function keptOrTrained(key: string, options: SeedOptions): Promise<SeedResult> {
  folder ??= join(dist, 'test', 'kept', buildHash());
  const path = join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.json`);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    const result = await trainSeedModel(quern, {
      ...options,
      optimize: false,
      engine: { backend: 'reference' },
    });
    // what earlier builds left
    if (!existsSync(folder)) rmSync(join(folder, '..'), { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, JSON.stringify(result));
    renameSync(part, path);
    return result;
  }
}

/** The training on the reference backend, one kernel for each op: trained once per build, then kept in dist/test/kept. */
export function seedReference(options: SeedOptions): Promise<SeedResult> {
  const key = JSON.stringify(options);
  const result = known.get(key) ?? keptOrTrained(key, options);
  known.set(key, result);
  return result;
}

/** The relative error of the gradients of one step, told from Adam's first moments after it: they are the gradients, scaled. */
export function gradientError(actual: SeedResult, expected: SeedResult): number {
  const [found = [], wanted = []] = [actual.states, expected.states];
  if (found.length !== wanted.length || found.length === 0) {
    throw new Error(`${found.length} states, not ${wanted.length}`);
  }
  let [wrong, all] = [0, 0];
  // the first half of the states are first moments
  for (let i = 0; i < found.length / 2; i++) {
    wrong += (found[i]! - wanted[i]!) ** 2;
    all += wanted[i]! ** 2;
  }
  if (all === 0) throw new Error('all gradients are 0');
  return Math.sqrt(wrong / all);
}

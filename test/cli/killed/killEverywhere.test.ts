/**
 * A training that is killed right before an operation on a file, and resumed, ends in the bytes of one that ran through. Every
 * operation is tried with QUERN_KILL_POINTS=all, else a few.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import type { TrainingResult } from '../../../src/runs/result.js';
import { suite } from '../../support/suite.js';
import { inProject, onReference, quern, runFiles } from '../support.js';

const points = process.env.QUERN_KILL_POINTS ?? '4';
const node = ['--import', pathToFileURL(join(import.meta.dirname, 'killedAt.js')).href];
const words = [
  'train',
  './tiny.mjs',
  '--out',
  'run',
  '--checkpoint-every',
  '0.01',
  '--quiet',
  ...onReference,
];

suite('a training that is killed at an operation on a file', (test) => {
  test(`${points} of them`, () =>
    inProject(async (cwd) => {
      const count = join(cwd, 'count.txt');
      const whole = await quern(words, { cwd, node, environment: { QUERN_KILL_COUNT: count } });
      assert.is(whole.code, 0, whole.stderr);
      const result = () => JSON.parse(readFileSync(join(cwd, 'run/result.json'), 'utf8')) as TrainingResult;
      const expected = result();
      const operations = Number(readFileSync(count, 'utf8'));
      assert.ok(operations > 40, `${operations} operations`);
      const step = points === 'all' ? 1 : operations / Number(points);
      for (let at = 1; at <= operations; at += step) {
        rmSync(join(cwd, 'run'), { recursive: true });
        const killed = await quern(words, {
          cwd,
          node,
          environment: { QUERN_KILL_AT: String(Math.floor(at)) },
        });
        assert.is(killed.code, null, killed.stderr);
        const next = existsSync(join(cwd, 'run/config.json'))
          ? ['train', '--resume', 'run', '--quiet']
          : words;
        const ended = await quern(next, { cwd });
        assert.is(ended.code, 0, `before operation ${Math.floor(at)}: ${ended.stderr}`);
        const { weightsSha256, testLoss } = result();
        assert.equal([weightsSha256, testLoss], [expected.weightsSha256, expected.testLoss]);
        assert.equal(readdirSync(join(cwd, 'run')).sort(), runFiles, `before operation ${Math.floor(at)}`);
      }
      console.log(`killed at ${points} of ${operations} operations`);
    }));
});

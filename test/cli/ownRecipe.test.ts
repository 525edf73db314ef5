/** Recipe files run where their user named them, or has trained with them and with all that they import. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { loadRecipe } from '../../src/recipes/index.js';
import { inFolder, rejects } from '../data/support.js';
import { suite } from '../support/suite.js';
import { onReference, quern } from './support.js';

const recipe = `
  import { appendFileSync } from 'node:fs';
  import { adam, dense, defineRecipe, flatten, layer, sequential } from 'quern';
  import { kind } from './helper.mjs';
  appendFileSync(new URL('ran.txt', import.meta.url), 'own ');
  const scale = () => layer(kind, {}, (x, context) => x.multiply(context.parameter('factor', [], 1)));
  export default defineRecipe({
    name: 'own', title: 'Own', dataset: 'fixture', epochs: 2, batchSize: 64, optimizer: adam(),
    parameters: { units: 10 },
    layer: ({ parameters: { units } }) => sequential([flatten(), dense(units), scale(), dense(10)]),
  });`;
const helper = `
  import { appendFileSync } from 'node:fs';
  appendFileSync(new URL('ran.txt', import.meta.url), 'helper ');
  export const kind = 'test.scale';`;

interface Project {
  readonly cwd: string;
  run(...words: readonly string[]): ReturnType<typeof quern>;
  /** What ran since it was asked before. */
  ran(): string;
}

/** A run that was paused after its first epoch, and what its user has trained with. */
function inTrained(check: (project: Project) => Promise<void>): Promise<void> {
  return inFolder(async (cwd) => {
    const environment = { QUERN_CONFIG: join(cwd, 'config') };
    const project: Project = {
      cwd,
      run: (...words) => quern(words, { cwd, environment }),
      ran: () => {
        const path = join(cwd, 'ran.txt');
        const text = readFileSync(path, 'utf8');
        writeFileSync(path, '');
        return text.trim();
      },
    };
    writeFileSync(join(cwd, 'own.mjs'), recipe);
    writeFileSync(join(cwd, 'helper.mjs'), helper);
    const trained = await project.run(
      ...['train', 'own.mjs', '--out', 'run', '--set', 'units=12', '--pause-after', '1', '--quiet'],
      ...onReference,
    );
    assert.is(trained.code, 0, trained.stderr);
    assert.is(project.ran(), 'helper own');
    await check(project);
  });
}

suite('the model of a run', (test) => {
  test('is that which its run has measured', () =>
    inFolder(async (cwd) => {
      const fixtures = join(import.meta.dirname, '../../../test/fixtures/v0.1/runs');
      cpSync(join(fixtures, 'finished'), join(cwd, 'run'), { recursive: true });
      assert.is((await quern(['summary', 'run'], { cwd })).code, 0);
      // version 0.1 wrote no hash into its models: a bit of the last weight
      const path = join(cwd, 'run/model.safetensors');
      const bytes = readFileSync(path);
      bytes[bytes.length - 2]! ^= 1;
      writeFileSync(path, bytes);
      const { code, stderr } = await quern(['summary', 'run'], { cwd });
      assert.is(code, 1);
      const message =
        /^quern: run\/model\.safetensors: not the weights that its run has measured: their SHA-256 was 9ad17867\w+ and is /;
      assert.match(stderr, message);
    }));
});

suite('recipes of runs', (test) => {
  test('of a user who has trained with them run where a layer is needed', () =>
    inTrained(async ({ run, ran }) => {
      for (const words of [
        ['evaluate', 'run', ...onReference],
        ['report', 'run', ...onReference],
        ['summary', 'run'],
        ['train', '--resume', 'run', '--quiet'],
      ]) {
        const { code, stdout, stderr } = await run(...words);
        assert.is(code, 0, stderr);
        if (words[0] === 'summary') assert.match(stdout, /layers\.2 {2}test\.scale {2}\[12\]/);
        assert.is(ran(), 'helper own', words.join(' '));
      }
    }));

  test('of others do not run, unless they are named', () =>
    inTrained(async ({ cwd, run, ran }) => {
      rmSync(join(cwd, 'config'), { recursive: true });
      for (const words of [
        ['evaluate', 'run', ...onReference],
        ['train', '--resume', 'run'],
      ]) {
        const { code, stderr } = await run(...words);
        assert.ok(code === 1 || code === 2, stderr);
        assert.match(stderr, /own\.mjs (is|was) not run: it is none of the files that you have trained with/);
        assert.match(stderr, /--import \S+own\.mjs runs it/);
        assert.is(ran(), '', words.join(' '));
        const named = await run(
          ...words,
          '--import',
          'own.mjs',
          ...(words[0] === 'train' ? ['--quiet'] : []),
        );
        assert.is(named.code, 0, named.stderr);
        assert.is(ran(), 'helper own');
      }
      // trained with by its name
      assert.is((await run('evaluate', 'run', ...onReference)).code, 0);
    }));

  test('that import another file than the one that was trained with do not run', () =>
    inTrained(async ({ cwd, run, ran }) => {
      writeFileSync(join(cwd, 'helper.mjs'), `${helper}\n// evil`);
      for (const words of [
        ['evaluate', 'run', ...onReference],
        ['train', '--resume', 'run'],
      ]) {
        const { code, stderr } = await run(...words);
        assert.is(code, 1);
        assert.match(stderr, /helper\.mjs is none of the files that you have trained with/);
        assert.is(ran(), '');
      }
    }));

  test('that lie elsewhere now are the same files', () =>
    inTrained(async ({ cwd, run, ran }) => {
      const config = join(cwd, 'run/config.json');
      cpSync(join(cwd, 'own.mjs'), join(cwd, 'copy.mjs'));
      writeFileSync(config, readFileSync(config, 'utf8').replaceAll('own.mjs', 'copy.mjs'));
      assert.is((await run('evaluate', 'run', ...onReference)).code, 0);
      assert.is(ran(), 'helper own');
    }));

  test('cannot be named by the name of a recipe', () =>
    inTrained(async ({ cwd, run, ran }) => {
      const path = join(cwd, 'run/config.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as {
        recipeFile?: object;
        settings: { recipe: string };
      };
      delete config.recipeFile;
      config.settings.recipe = './own.mjs';
      writeFileSync(path, JSON.stringify(config));
      const { code, stderr } = await run('train', '--resume', 'run');
      assert.is(code, 1);
      assert.match(stderr, /its recipe is none of those that come with Quern/);
      assert.is(ran(), '');
    }));

  test('in CommonJS run where they are named alone', () =>
    inFolder(async (cwd) => {
      const path = join(cwd, 'own.cjs');
      writeFileSync(path, "module.exports = { name: 'c', title: 'C', dataset: 'fixture' };");
      await rejects(loadRecipe(path), DataError, /own\.cjs: layer must be a function/);
      const other = join(cwd, 'other.cjs');
      cpSync(path, other);
      await rejects(
        loadRecipe(other, 'listed'),
        DataError,
        /other\.cjs is CommonJS: what that requires cannot/,
      );
    }));

  test('in TypeScript: run where Node.js can, else the error says how', () =>
    inFolder(async (cwd) => {
      const path = join(cwd, 'own.mts');
      writeFileSync(
        path,
        recipe.replace('./helper.mjs', './helper.mts').replace('const scale', 'type T = 1; const scale'),
      );
      writeFileSync(join(cwd, 'helper.mts'), helper.replace('kind =', 'kind: string ='));
      const { code, stderr } = await quern(['summary', 'own.mts'], { cwd });
      if (process.features && 'typescript' in process.features && process.features.typescript) {
        assert.is(code, 0, stderr);
        return;
      }
      assert.is(code, 1);
      assert.match(
        stderr,
        /own\.mts: the recipe cannot be loaded: TypeScript needs Node\.js 22\.18 or newer, this is/,
      );
      assert.match(stderr, /\n {2}Compile it first \(npx tsc own\.mts\) and give the \.js file\./);
    }));
});

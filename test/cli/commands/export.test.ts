/** What quern export replaces, and what it leaves. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { formatNames } from '../../../src/cli/commands/export/names.js';
import { suite } from '../../support/suite.js';
import { onReference, quernHere, trainedOnce, whyNoSmallDisk, withSmallDisk } from '../support.js';

const withRun = trainedOnce(['./tiny.mjs', '--out', 'run', '--epochs', '1', '--quiet', ...onReference]);

/** Runs with functions that export the run, as it must go and as it must not, and a folder. */
const withExport = (
  work: (given: {
    readonly at: (...parts: string[]) => string;
    readonly done: (...words: string[]) => Promise<void>;
    readonly refused: (words: string[], message: string) => Promise<void>;
  }) => Promise<void>,
) =>
  withRun((folder) => {
    const at = (...parts: string[]) => join(folder, ...parts);
    const run = ([file, ...words]: string[]) => quernHere(['export', at('run'), at(file!), ...words]);
    return work({
      at,
      done: async (...words) => {
        const { code, stderr } = await run(words);
        assert.is(code, 0, stderr);
      },
      refused: async (words, message) => {
        const { code, stderr } = await run(words);
        assert.is(stderr.replaceAll(`${folder}/`, ''), `quern: ${message}\n`);
        assert.is(code, 2);
      },
    });
  });

const replacesRun = (path: string) =>
  `${path}: it would replace a file of a run\n  Another name or folder will do.`;
const replacesModel = (path: string) =>
  `${path}: it would replace what is read there\n  Another name or folder will do.`;

suite('what quern export replaces', (test) => {
  test('what it has written itself, in every format', () =>
    withExport(async ({ at, done, refused }) => {
      for (const name of Object.keys(formatNames)) {
        const file = name === 'hugging-face' ? 'out/hub' : 'out/m';
        await done(file, '--to', name);
        await done(file, '--to', name);
      }
      // in a run, too, beside what is the run's
      await done('run/m.json');
      await done('run/m.json');
      await done('run/hub', '--to', 'hugging-face');
      writeFileSync(at('empty.onnx'), '');
      await done('empty.onnx');
      const card = at('run/hub/README.md');
      writeFileSync(card, readFileSync(card, 'utf8').replace('\ntags:', '\nlicense: mit\ntags:'));
      const changed = 'run/hub/README.md: not from quern export, or changed since; --force replaces it';
      await refused(['run/hub', '--to', 'hugging-face'], changed);
    }));

  test('no model that it reads, nor files of a run, whatever --force says', () =>
    withExport(async ({ at, refused }) => {
      cpSync(at('run'), at('other'), { recursive: true });
      symlinkSync(at('run/model.safetensors'), at('link.safetensors'));
      const before = readFileSync(at('run/model.safetensors'));
      const force = '--force';
      await refused(['run', '--to', 'hugging-face', force], replacesRun('run/config.json'));
      await refused(['run/model.safetensors', force], replacesModel('run/model.safetensors'));
      await refused(['link.safetensors', force], replacesModel('link.safetensors'));
      await refused(['other', '--to', 'hugging-face', force], replacesRun('other/config.json'));
      await refused(['other/model.safetensors'], replacesRun('other/model.safetensors'));
      await refused(
        ['other/checkpoints/last.safetensors'],
        replacesRun('other/checkpoints/last.safetensors'),
      );
      assert.ok(readFileSync(at('run/model.safetensors')).equals(before));
      assert.ok(readFileSync(at('other/model.safetensors')).equals(before));
    }));

  test("files of one's own only with --force, named or not", () =>
    withExport(async ({ at, done, refused }) => {
      mkdirSync(at('own'));
      const own = ['README.md', 'config.json', 'train.py', 'm.json'];
      for (const name of own) writeFileSync(at('own', name), `{"of": "${name}"}`);
      const foreign = 'not from quern export, or changed since; --force replaces';
      const hub = ['own', '--to', 'hugging-face'];
      await refused(hub, `own/config.json, own/README.md: ${foreign} them`);
      await refused(['own/train.safetensors'], `own/train.py: ${foreign} it`);
      await refused(['own/m.json'], `own/m.json: ${foreign} it`);
      assert.equal(readdirSync(at('own')).sort(), [...own].sort());
      for (const name of own) assert.is(readFileSync(at('own', name), 'utf8'), `{"of": "${name}"}`);
      await done(...hub, '--force');
      await done('own/train.safetensors', '--force');
      await done('own/m.json', '--force');
      assert.match(readFileSync(at('own/README.md'), 'utf8'), /library_name: quern/);
      await refused(
        ['net.py', '--to', 'pytorch'],
        'net.py: two files of this export would have this name\n  Name it with the ending of its format.',
      );
    }));

  const full = 'a full disk: there is none of its files';
  const reason = whyNoSmallDisk();
  if (reason !== undefined) test.unavailable(full, reason);
  else
    test(full, () =>
      withExport(({ at }) =>
        withSmallDisk('40k', async (folder) => {
          // the page alone has room
          const file = join(folder, 'disk/new/m.html');
          const { code, stderr } = await quernHere(['export', at('run'), file]);
          assert.is(code, 1);
          assert.match(stderr, /\/disk\/new\/m\.\S+: cannot be written: ENOSPC: no space left on device\n$/);
          assert.equal(readdirSync(join(folder, 'disk')), []);
        }),
      ),
    );
});

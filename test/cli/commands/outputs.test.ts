/** What commands write never takes the place of what they read. */
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { png, put } from '../../data/user/support.js';
import { suite } from '../../support/suite.js';
import { onReference, quern, quernHere, trainedOnce, whyNoSmallDisk, withSmallDisk } from '../support.js';

const withTrained = trainedOnce(['./tiny.mjs', '--out', 'run', '--epochs', '1', '--quiet', ...onReference]);
const picture = png(4, 4, Array(16).fill(9));

type At = (...parts: string[]) => string;

/** Runs in a folder with a run and pictures, with a function that sees that a command refuses. */
const withRun = (
  work: (at: At, refuses: (words: string[], path: string, what?: string) => Promise<void>) => Promise<void>,
) =>
  withTrained(async (folder) => {
    put(folder, { 'in.png': picture, 'pictures/a.png': picture, 'in.csv': '0,1,2,3' });
    const at: At = (...parts) => join(folder, ...parts);
    await work(at, async (words, path, what = 'what is read there') => {
      const before = readFileSync(path);
      const { code, stderr } = await quernHere(words);
      assert.is(stderr, `quern: ${path}: it would replace ${what}\n  Another name or folder will do.\n`);
      assert.is(code, 2);
      assert.ok(readFileSync(path).equals(before));
    });
  });

suite('what is written in place of what is read', (test) => {
  test('quern predict: pictures, files of images, the model', () =>
    withRun(async (at, refuses) => {
      const refusesImages = (images: string, out: string) =>
        refuses(['predict', at('run'), at(images), '--out', at(out)], at(out));
      await refusesImages('in.png', 'in.png');
      await refusesImages('pictures', 'pictures/a.png');
      symlinkSync(at('pictures'), at('link'));
      await refusesImages('link', 'pictures/a.png');
      writeFileSync(at('list.csv'), 'image,label\npictures/a.png,plus\n');
      await refusesImages('list.csv', 'list.csv');
      await refusesImages('list.csv', 'pictures/a.png');
      await refusesImages('in.png', 'run/model.safetensors');
      const history = at('run/history.csv');
      await refuses(['predict', at('run'), at('in.png'), '--out', history], history, 'a file of a run');
      const folder = await quernHere(['predict', at('run'), at('in.png'), '--out', at('pictures')]);
      assert.is(folder.stderr, `quern: ${at('pictures')}: it is a folder\n  The name of a file is wanted.\n`);
      // predictions beside the pictures are none
      for (let i = 0; i < 2; i++) {
        const words = ['predict', at('run'), at('pictures'), '--out', at('pictures/told.csv')];
        const { code, stderr } = await quern([...words, ...onReference]);
        assert.is(code, 0, stderr);
      }
    }));

  test('quern import, view and find-rate: models, recipes, data', () =>
    withRun(async (at, refuses) => {
      const model = at('run/model.safetensors');
      await refuses(['import', model, '--out', at('run'), '--force'], model);
      await refuses(['view', at('run'), '--out', model], model);
      const recipe = at('tiny.mjs');
      await refuses(['view', recipe, '--out', recipe], recipe);
      await refuses(['find-rate', recipe, '--out', recipe, '--quiet'], recipe);
      for (const [data, out] of [
        ['in.csv', 'in.csv'],
        ['pictures', 'pictures/a.png'],
      ] as const)
        await refuses(['find-rate', recipe, '--data', at(data), '--out', at(out), '--quiet'], at(out));
    }));

  const full = 'predictions on a full disk: the file is named, and is not there';
  const reason = whyNoSmallDisk();
  if (reason !== undefined) test.unavailable(full, reason);
  else
    test(full, () =>
      withRun((at) =>
        withSmallDisk('4k', async (folder) => {
          writeFileSync(join(folder, 'disk/ballast'), new Uint8Array(4096));
          const out = join(folder, 'disk/told.csv');
          const { code, stderr } = await quern([
            ...['predict', at('run'), at('in.png'), '--out', out, '--quiet'],
            ...onReference,
          ]);
          assert.is(stderr, `quern: ${out}: cannot be written: ENOSPC: no space left on device\n`);
          assert.is(code, 1);
          assert.equal(readdirSync(join(folder, 'disk')), ['ballast']);
        }),
      ),
    );
});

/** quern export and quern import, and the commands that read what other frameworks wrote. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';
import { quern, recipeText, whyNoSmallDisk, withSmallDisk } from './support.js';

const fixtures = join(import.meta.dirname, '../../../test/formats/fixtures');

suite('quern export and import', (test) => {
  test('a run goes out, is checked, comes in, is measured alike and trains on', () =>
    inFolder(async (folder) => {
      const at = (name: string) => join(folder, name);
      writeFileSync(at('tiny.mjs'), recipeText());
      const one = ['--threads', '1'];
      await quern(['train', at('tiny.mjs'), '--out', at('run'), '--quiet', ...one], { cwd: folder });
      const exported = await quern([
        'export',
        at('run'),
        at('tiny.onnx'),
        '--check',
        '--limit',
        '100',
        ...one,
      ]);
      assert.is(exported.code, 0, exported.stderr);
      assert.match(exported.stdout, /input 'images': uint8 pixels from 0 to 255/);
      assert.match(exported.stdout, /equal classes 100\.00%;.*\nthe same model\n/);
      const imported = await quern(['import', at('tiny.onnx'), '--out', at('again')]);
      assert.is(imported.code, 0, imported.stderr);
      const [own, again] = await Promise.all(
        ['run', 'again'].map((name) => quern(['evaluate', at(name), '--json', ...one])),
      );
      const pick = ({ stdout }: { stdout: string }) => {
        const { accuracy, weightsSha256 } = JSON.parse(stdout);
        return { accuracy, weightsSha256 };
      };
      assert.equal(pick(again!), pick(own!));
      const further = await quern(
        [
          'train',
          at('tiny.mjs'),
          '--from',
          at('again'),
          '--epochs',
          '1',
          '--out',
          at('further'),
          '--json',
          '--quiet',
          ...one,
        ],
        { cwd: folder },
      );
      assert.is(further.code, 0, further.stderr);
      await quern(['export', at('run'), at('hub'), '--to', 'hugging-face']);
      const card = readFileSync(join(at('hub'), 'README.md'), 'utf8');
      const { testAccuracy } = JSON.parse(readFileSync(join(at('run'), 'result.json'), 'utf8'));
      const { data } = JSON.parse(readFileSync(join(at('run'), 'config.json'), 'utf8'));
      const measured = `Test accuracy ${(100 * testAccuracy).toFixed(2)}% of ${data.test.count} images, 95% interval`;
      assert.ok(card.includes(measured), card);
      const page = await quern(['export', at('run'), at('predict.html')]);
      assert.is(page.code, 0, page.stderr);
      assert.ok(readFileSync(at('predict.html')).length < 400_000);
    }));

  test('wrong usage and files that leave something open', () =>
    inFolder(async (folder) => {
      const keras = join(fixtures, 'branches.keras');
      const open = await quern(['import', keras, '--out', join(folder, 'a')]);
      assert.is(open.code, 2);
      assert.match(open.stderr, /does not say what pixels its model takes/);
      const told = await quern(['import', keras, '--out', join(folder, 'a'), '--pixels', '0..1']);
      assert.is(told.code, 0, told.stderr);
      const twice = await quern(['import', keras, '--out', join(folder, 'a'), '--pixels', '0..1']);
      assert.match(twice.stderr, /it holds a model already; --force replaces it/);
      const odd = await quern(['import', keras, '--out', join(folder, 'b'), '--pixels', 'bright']);
      assert.match(odd.stderr, /--pixels must be 0\.\.1, 0\.\.255, -1\.\.1 or MEAN,DEVIATION/);
      const ending = await quern(['export', join(folder, 'a'), join(folder, 'a.caffe')]);
      assert.is(ending.code, 2);
      assert.match(ending.stderr, /its ending names no format that is written: \.onnx, /);
      const check = await quern(['export', join(folder, 'a'), join(folder, 'a.keras'), '--check']);
      assert.match(check.stderr, /--check runs ONNX files in ONNX Runtime/);
    }));

  const full = 'a full disk: import leaves nothing';
  const reason = whyNoSmallDisk();
  if (reason !== undefined) test.unavailable(full, reason);
  else
    test(full, () =>
      withSmallDisk('4k', async (folder) => {
        const out = join(folder, 'disk/a/b');
        writeFileSync(join(folder, 'disk/ballast'), new Uint8Array(4096));
        const words = ['import', join(fixtures, 'branches.keras'), '--out', out, '--pixels', '0..1'];
        const { code, stderr } = await quern(words);
        assert.is(code, 1);
        assert.is(
          stderr,
          `quern: ${join(out, 'model.safetensors')}: cannot be written: ENOSPC: no space left on device\n`,
        );
        assert.equal(readdirSync(join(folder, 'disk')), ['ballast']);
      }),
    );
});

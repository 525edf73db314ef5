import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import * as assert from 'uvu/assert';
import * as everywhere from '../../src/browser.js';
import * as library from '../../src/index.js';
import { suite } from '../support/suite.js';

const absWorkingDir = fileURLToPath(new URL('.', import.meta.url));

/** What a bundler for browsers makes of it; errors name what it cannot take. */
async function bundle(what: Pick<BuildOptions, 'stdin' | 'entryPoints'>) {
  const { metafile, warnings } = await build({
    ...{ bundle: true, minify: true, splitting: true, write: false, metafile: true, logLevel: 'silent' },
    ...{ format: 'esm', platform: 'browser', target: 'es2022', outdir: 'out' },
    ...what,
    absWorkingDir,
  });
  assert.equal(warnings, []);
  return metafile;
}

suite('the surface in browsers', (test) => {
  test('everything but what needs files', () => {
    const missing = Object.keys(library).filter((name) => !(name in everywhere));
    assert.equal(missing.sort(), [
      'describeDatasets',
      'importModel',
      'loadCheckpoint',
      'loadDataset',
      'loadModel',
      'loadUserDataset',
      'readImage',
      'saveCheckpoint',
      'saveModel',
    ]);
  });

  test('bundles under its own name, and loads no backend before it is chosen', async () => {
    const { outputs } = await bundle({
      stdin: { contents: "export * from 'quern';", resolveDir: absWorkingDir },
    });
    const entry = Object.values(outputs).find(({ entryPoint }) => entryPoint === '<stdin>')!;
    const names = Object.keys(entry.inputs);
    for (const { path, kind } of entry.imports) {
      if (kind === 'import-statement') names.push(...Object.keys(outputs[path]!.inputs));
    }
    assert.ok(names.some((name) => name.endsWith('src/browser.js')));
    assert.equal(
      names.filter((name) => name.includes('gpu.js/') || name.includes('src/backends/')),
      [],
    );
  });

  test('the worker bundles under its own name', async () => {
    const { inputs } = await bundle({ entryPoints: ['quern/worker'] });
    assert.ok(Object.keys(inputs).some((name) => name.endsWith('backends/wasm/worker.js')));
  });
});

/**
 * Builds the studio's site, dist/src/studio/site: a page, its style sheet and its scripts, bundled. `npm run build` runs it
 * after the compiler. Datasets are added where the site is written (`quern studio --out`).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { pageVariables } from '../report/charts/theme.js';
import { studioPage } from '../studio/document.js';
import { insideStyle } from '../studio/inside/style.js';
import { studioStyle } from '../studio/style.js';

const require = createRequire(import.meta.url);
const source = join(import.meta.dirname, '..');
const site = join(source, 'studio/site');

/** Reading data of one's own is written for Node: in the page its files are those that were dropped. */
const inPage: Readonly<Record<string, string>> = {
  'node:fs/promises': 'studio/files/fs.js',
  'node:path': 'studio/files/path.js',
  'node:zlib': 'studio/files/zlib.js',
  '../../../core/files.js': 'studio/files/files.js',
  './zip.js': 'studio/files/zip.js',
  './unpackers.js': 'data/images/pageUnpackers.js',
};

const droppedFiles: Plugin = {
  name: 'dropped files',
  setup({ onResolve }) {
    onResolve({ filter: /^node:|\/(core\/files|zip|unpackers)\.js$/ }, ({ path, importer }) => {
      const name = inPage[path];
      const ofData = importer.startsWith(join(source, 'data'));
      return name === undefined || !ofData ? undefined : { path: join(source, name) };
    });
  },
};

rmSync(site, { recursive: true, force: true });
mkdirSync(site, { recursive: true });

const options: BuildOptions = {
  ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
  ...{ legalComments: 'none', logLevel: 'error', conditions: ['browser'] },
  plugins: [droppedFiles],
  outdir: site,
};
// The page is one file: split, it would be twenty, with whatever the workers share.
await build({ ...options, entryPoints: { studio: join(source, 'studio/page/main.js') } });
await build({
  ...options,
  splitting: true,
  // side by side, since workers are started by addresses beside the script that starts them
  chunkNames: 'part-[hash]',
  entryPoints: {
    trainer: join(source, 'studio/worker/trainer.js'),
    worker: join(source, 'backends/wasm/worker.js'),
    dataWorker: join(source, 'data/augment/dataWorker.js'),
    sw: join(source, 'studio/serviceWorker.js'),
  },
});
// what `quern view` puts into its page
const inPageOfItsOwn = join(site, 'view');
await build({
  ...{ bundle: true, minify: true, format: 'iife', platform: 'browser', target: 'es2022' },
  ...{ legalComments: 'none', logLevel: 'error', charset: 'utf8' },
  entryPoints: { view: join(source, 'studio/inside/main.js') },
  outdir: inPageOfItsOwn,
});
const sheet = (text: string) => text.replaceAll('\n', '');
writeFileSync(
  join(inPageOfItsOwn, 'view.css'),
  `${pageVariables()}${sheet(studioStyle)}${sheet(insideStyle)}`,
);
const uplot = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
writeFileSync(
  join(site, 'studio.css'),
  `${pageVariables()}${uplot}${sheet(studioStyle)}${sheet(insideStyle)}`,
);
writeFileSync(join(site, 'index.html'), studioPage());
const files = [
  './',
  ...readdirSync(site).flatMap((name) => (name === 'view' ? [] : [`./${name}`])),
  './data/index.json',
];
writeFileSync(join(site, 'files.json'), JSON.stringify(files.sort()));

/** Packages that are in the scripts, and where their licenses stand. */
const licenses = { uplot: 'LICENSE', 'idb-keyval': 'LICENCE', fflate: 'LICENSE', 'gpu.js': 'LICENSE' };
const texts = Object.entries(licenses).map(([name, file]) => {
  const folder = join(source, '../../node_modules', name);
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(site, 'LICENSES.txt'), texts.join('\n\n'));

/**
 * Makes the compiled modules of this folder stand alone: the packages that they import become part of them, with their
 * licenses beside them. Only what is used is kept, so that people who install Quern do not install the rest. `npm run
 * build` runs it after the compiler; without it the modules import the packages, which works wherever those are
 * installed.
 */
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

const options = {
  ...{
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'error',
  },
  // compiled at install, by those who want it: docs/gpu.md
  external: ['gl'],
} as const satisfies BuildOptions;

/** The mark of a module that stands alone already. */
const mark = '/* with its packages */';

/** The head that a CommonJS module needs in a module. */
const withRequire = `${mark} import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const modules: readonly ({ readonly name: string } & BuildOptions)[] = [
  { name: 'gpuJs', platform: 'node', banner: { js: withRequire } },
  { name: 'gpuJs.browser', platform: 'browser', banner: { js: mark } },
  { name: 'onnx', platform: 'neutral', banner: { js: mark }, mainFields: ['module', 'main'] },
  // what jsfive prints holds names as they stand in files of strangers
  {
    name: 'hdf5',
    platform: 'neutral',
    banner: { js: mark },
    mainFields: ['module', 'main'],
    drop: ['console'],
  },
  { name: 'echarts', platform: 'neutral', banner: { js: mark }, mainFields: ['module', 'main'] },
];

for (const { name, ...rest } of modules) {
  const file = join(here, `${name}.js`);
  if (readFileSync(file, 'utf8').startsWith(mark)) continue;
  // beside it first, since others may be reading it
  await build({ ...options, ...rest, entryPoints: [file], outfile: `${file}.part` });
  renameSync(`${file}.part`, file);
}
for (const text of [
  'gpu.js/LICENSE',
  'acorn/LICENSE',
  'echarts/LICENSE',
  'echarts/NOTICE',
  'zrender/LICENSE',
]) {
  const [name, file] = text.split('/') as [string, string];
  copyFileSync(join(dirname(require.resolve(`${name}/package.json`)), file), join(here, `${file}.${name}`));
}

/** Of packages that come without a file of their license, as their package.json and their sources state it. */
const notices = {
  onnx: `onnx-buf: MIT, https://github.com/ekzhang/jax-js
@bufbuild/protobuf: Apache-2.0 AND BSD-3-Clause, Copyright 2021-2026 Buf Technologies, Inc., and Copyright 2008 Google Inc.,
https://github.com/bufbuild/protobuf-es, https://www.apache.org/licenses/LICENSE-2.0
`,
  hdf5: `jsfive: in the public domain, based on pyfive, Copyright (c) 2016 Jonathan J. Helmus, https://github.com/usnistgov/jsfive
pako, in it: MIT AND Zlib, Copyright (C) 2014-2017 by Vitaly Puzrin and Andrei Tuputcyn, https://github.com/nodeca/pako
`,
};
for (const [name, text] of Object.entries(notices)) writeFileSync(join(here, `NOTICE.${name}`), text);

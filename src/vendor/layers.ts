/**
 * Has Node.js load the library in layers. Node opens the files of all imports of a module at once: two hundred, where a
 * process may have 64 open (`ulimit -n 64`). So `dist/src/index.js` becomes the first link of a chain: each link imports a
 * few modules whose own imports are loaded already, and then the next link; the last one is what index.js was. The order in
 * which modules run stays as it was. `npm run build` runs this after the compiler; without it the library loads at once.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const source = join(import.meta.dirname, '..');
const index = join(source, 'index.js');
const layers = join(source, 'layers');
const entry = join(layers, 'entry.js');

/** So many modules a link: Node has 25 files open before it opens the first of them. */
const width = 16;

const mark = '// in layers, see vendor/layers.js\n';

const text = readFileSync(index, 'utf8');
if (!text.startsWith(mark)) {
  rmSync(layers, { recursive: true, force: true });
  mkdirSync(layers);
  writeFileSync(entry, text.replaceAll("from './", "from '../"));
}

// esbuild tells who imports whom; what it would write is thrown away
const { metafile } = await build({
  entryPoints: [entry],
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  external: ['#gpu.js'],
  splitting: true,
  outdir: layers,
  write: false,
  metafile: true,
  logLevel: 'error',
  absWorkingDir: source,
});

function importsOf(module: string): string[] {
  return metafile.inputs[module]!.imports.filter(
    ({ kind, external }) => kind === 'import-statement' && external !== true,
  ).map(({ path }) => path);
}

// In the order in which they run. Of modules that import each other only the one that is met first: it brings the others
// in the order that they had (Tarjan's strongly connected components).
const order: string[] = [];
const open: string[] = [];
const numbers = new Map<string, number>();

function visit(module: string): number {
  const own = numbers.size;
  let lowest = own;
  numbers.set(module, own);
  open.push(module);
  for (const each of importsOf(module)) {
    const known = numbers.get(each);
    if (known === undefined) lowest = Math.min(lowest, visit(each));
    else if (open.includes(each)) lowest = Math.min(lowest, known);
  }
  if (lowest === own) {
    open.length = open.indexOf(module);
    order.push(module);
  }
  return lowest;
}
visit(relative(source, entry));

const links = Math.ceil((order.length - 1) / width);
for (let i = 0; i < links; i++) {
  const [up, here] = i === 0 ? ['./', './layers/'] : ['../', './'];
  const own = order.slice(i * width, Math.min((i + 1) * width, order.length - 1));
  const lines = own.map((module) => `import '${up}${module}';\n`);
  const next = i === links - 1 ? 'entry' : `layer${i + 1}`;
  writeFileSync(
    i === 0 ? index : join(layers, `layer${i}.js`),
    `${mark}${lines.join('')}export * from '${here}${next}.js';\n`,
  );
}

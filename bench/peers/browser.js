/**
 * Times Quern's gpu backend and tfjs in headless Chromium, in turns, on the same adapter, and prints the ratios.
 *
 *     npm run build && node bench/peers/browser.js [options]
 *
 *     --modes webgl2,webgpu   default: both
 *     --work matmul,mlp       parts of names; default: all
 *     --rounds n              default: 5
 *     --seconds n             how long a sample should be; default: 1
 *     --batch n               of the convolutional network; default: 32
 *     --out folder            the result as JSON
 *
 * QUERN_CHROMIUM names a Chromium; FLAGS, split at spaces, replaces the flags that choose its software drivers.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { summarize } from '../../dist/bench/support/statistics.js';
import { findChromium, noChromium } from '../../dist/test/support/browser/browser.js';
import { startServer } from '../../dist/test/support/browser/server.js';

const { values: options } = parseArgs({
  options: {
    modes: { type: 'string', default: 'webgl2,webgpu' },
    work: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    batch: { type: 'string', default: '32' },
    out: { type: 'string' },
  },
});
const [rounds, seconds, batch] = [options.rounds, options.seconds, options.batch].map(Number);

const own = fileURLToPath(new URL('.', import.meta.url));
/** tfjs as scripts, from this folder's packages or those of a copy of it that PEERS names. */
const require = createRequire(pathToFileURL(join(process.env.PEERS ?? own, 'package.json')));
const scripts = [
  '@tensorflow/tfjs/dist/tf.min.js',
  '@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js',
];
const { version } = require('@tensorflow/tfjs/package.json');

const software = [
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
  ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
];
const flags = process.env.FLAGS === undefined ? software : process.env.FLAGS.split(' ');

const works = [
  ...[256, 512].map((n) => ({
    name: `matmul ${n}x${n}x${n}`,
    work: {
      kind: 'matmul',
      shapes: [
        [n, n],
        [n, n],
      ],
    },
  })),
  {
    name: 'conv2d [8, 26, 26, 32] 64@3x3',
    work: {
      kind: 'conv2d',
      shapes: [
        [8, 26, 26, 32],
        [3, 3, 32, 64],
      ],
    },
  },
  { name: 'mlp step, batch 128', work: { kind: 'training', model: 'mlp', batch: 128 } },
  { name: `cnn step, batch ${batch}`, work: { kind: 'training', model: 'cnn', batch } },
].filter(({ name }) => options.work.split(',').some((part) => name.includes(part)));

/** A fresh page for each: what tfjs keeps for later would be in the way of what comes next. */
async function compare(context, origin, mode, work) {
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  try {
    await page.goto(origin);
    for (const script of scripts) await page.addScriptTag({ path: require.resolve(script) });
    await page.evaluate(() => import('/peers/browserPage.js'));
    return await page.evaluate((asked) => globalThis.compareWithTfjs(asked), { mode, work, rounds, seconds });
  } catch (error) {
    const [reason] = error.message.split('\n');
    throw new Error([`${work.kind} in ${mode}: ${reason}`, ...said].join('\n'));
  } finally {
    await page.close();
  }
}

/** Chromium with a profile of its own; it also gets the files of this folder, below /peers/. */
async function withBrowser(use) {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(noChromium);
  const { origin, server } = await startServer(false);
  const profile = await mkdtemp(join(tmpdir(), 'quern-peers-'));
  const args = ['--no-sandbox', '--no-first-run', '--disable-background-networking', ...flags];
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args });
  try {
    await context.route('**/peers/*.js', async (route) => {
      const name = new URL(route.request().url()).pathname.slice('/peers/'.length);
      await route.fulfill({ contentType: 'text/javascript', body: await readFile(join(own, name), 'utf8') });
    });
    return await use(context, origin);
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const date = new Date().toISOString();
const [machine, versions] = [describeMachine(), describeVersions()];
const started = performance.now();
const rows = [];
const adapters = new Set();
await withBrowser(async (context, origin) => {
  for (const { name, work } of works) {
    for (const mode of options.modes.split(',')) {
      const { quern, tfjs, ratio, adapter } = await compare(context, origin, mode, work);
      adapters.add(`${mode} is ${adapter}.`);
      rows.push({ work: name, mode, quern: summarize(quern), tfjs: summarize(tfjs), ratio });
      console.error(`${name}, ${mode}: ${ratio.toFixed(2)}`);
    }
  }
});

const result = {
  bench: 'peers-browser',
  question: "How long does Quern's gpu backend take in a browser, as a multiple of what tfjs takes there?",
  date,
  seconds: (performance.now() - started) / 1000,
  machine,
  versions,
  quick: rounds < 5,
  sampling: { rounds, seconds, warmUpSeconds: 0 },
  columns: [
    { key: 'work', title: 'work' },
    { key: 'mode', title: 'mode' },
    { key: 'quern', title: 'Quern', unit: 'ms' },
    { key: 'tfjs', title: 'tfjs', unit: 'ms' },
    { key: 'ratio', title: 'Quern ÷ tfjs' },
  ],
  rows,
  notes: [
    `tfjs ${version}, its backends webgl and webgpu; in turns, ${rounds} rounds; medians.`,
    'Steps are with Adam. Operands, parameters and results stay on the device.',
    ...adapters,
  ],
  backends: [],
  plots: [],
};
console.log(`${result.question}\n\n${formatTable(result)}\n`);
for (const note of result.notes) console.log(note);
console.log(
  `${machine.cpu}, ${machine.processors} processors, load ${machine.load.toFixed(1)}, Node ${versions.node}`,
);
if (options.out !== undefined) {
  for (const path of await writeResult(options.out, result)) console.error(`written: ${path}`);
}

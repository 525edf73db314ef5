/** The package as its users get it: packed, installed in an empty project with install scripts off, imported, run. */
import { spawn } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Suite, suite } from './support/suite.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'quern-package-'));
const project = join(folder, 'project');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, words: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    // with a folder of its own for what Quern keeps, so that nothing that was measured on this machine is replaced
    const env = { ...process.env, QUERN_CACHE: join(folder, 'cache') };
    const child = spawn(command, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** What npm says when it cannot reach the registry and has not all packages in its cache. */
const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ENOTCACHED|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH)\b/;

const program = `
  import { adam, dense, fit, flatten, loadDataset, openEngine, relu, sequential } from 'quern';
  const { train, test } = await loadDataset('fixture');
  const engine = await openEngine();
  const model = sequential([flatten(), dense(32), relu(), dense(10)]);
  const run = await fit(engine, model, train, { optimizer: adam({ learningRate: 0.01 }), epochs: 8, batchSize: 32 });
  const { accuracy } = await run.evaluate(test);
  console.log(JSON.stringify({ accuracy, backend: engine.report.backend }));
  await engine.close();`;

const typedProgram = `
  import { type Dataset, type Evaluation, evaluate, type FitOptions, fit, type Layer, type Run } from 'quern';
  import { type Engine, type EpochRecord, layer, ops, type Tensor } from 'quern';
  export const double: Layer = layer('double', {}, (x: Tensor) => ops.multiply(x, 2));
  export async function measure(engine: Engine, data: Dataset, options: FitOptions): Promise<Evaluation> {
    const run: Run = await fit(engine, double, data, options);
    const history: readonly EpochRecord[] = run.history;
    return evaluate(engine, run.model, data, { onProgress: (done: number) => console.log(done, history.length) });
  }
  // @ts-expect-error a dataset is not an engine
  fit({} as Dataset, double, {} as Dataset, {} as FitOptions);`;

const threadedProgram = `
  import { dense, fit, flatten, openEngine, sequential, sgd } from 'quern';
  const dataset = {
    name: 'ramps', shape: [28, 28, 1], classes: ['a', 'b'], count: 64,
    images: Uint8Array.from({ length: 64 * 784 }, (_, i) => i % 256), labels: new Uint8Array(64).fill(1),
  };
  async function main() {
    const engine = await openEngine({ threads: Number(process.argv[2]) });
    await fit(engine, sequential([flatten(), dense(64), dense(2)]), dataset, { optimizer: sgd(), epochs: 1 });
    await engine.close();
    console.log('trained');
  }
  main().catch(({ message }) => console.log(message));`;

const recipe = `
  import { dense, defineRecipe, flatten, sequential, sgd } from 'quern';
  export default defineRecipe({
    name: 'mine', title: 'Mine', dataset: 'fixture', epochs: 1, optimizer: sgd(),
    layer: () => sequential([flatten(), dense(10)]),
  });`;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function installed({ files }: Packed, test: Suite): void {
  test('holds what runs, and no more', () => {
    const paths = files.map(({ path }) => path);
    for (const path of [
      'README.md',
      'LICENSE',
      'data/manifest.json',
      'dist/src/index.js',
      'dist/src/index.d.ts',
      // what `quern bench` runs
      'dist/bench/main.js',
    ]) {
      assert.ok(paths.includes(path), path);
    }
    for (const name of ['gpuJs.js', 'gpuJs.browser.js', 'echarts.js', 'NOTICE.echarts', 'LICENSE.gpu.js']) {
      assert.ok(paths.includes(`dist/src/vendor/${name}`), name);
    }
    const strange = paths.filter((path) => /^(src|test|kernels|bench|dist\/(test|examples))\//.test(path));
    assert.equal(strange, []);
  });

  test('weighs little: 53 MB when this was written, 42 of them for queues; 295 once, with all of gpu.js, WebGPU and ECharts', () => {
    const sizes = readdirSync(join(project, 'node_modules'), { recursive: true, encoding: 'utf8' }).map(
      (name) => lstatSync(join(project, 'node_modules', name)).size,
    );
    const megabytes = sizes.reduce((total, size) => total + size, 0) / 1e6;
    assert.ok(sizes.length > 500 && megabytes < 65, `${sizes.length} files, ${megabytes} MB`);
  });

  test('a program that trains', async () => {
    writeFileSync(join(project, 'program.mjs'), program);
    const { code, stdout, stderr } = await run(process.execPath, ['program.mjs'], project);
    assert.is(code, 0, stderr);
    const { accuracy, backend } = JSON.parse(stdout);
    assert.is(backend, 'wasm');
    assert.ok(accuracy > 0.9, `test accuracy ${accuracy}`);
  });

  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  // the strictest there are, without the types of Node
  const strict = ['strict', 'exactOptionalPropertyTypes', 'noUncheckedIndexedAccess', 'noImplicitReturns'];
  const stricter = ['noImplicitOverride', 'noPropertyAccessFromIndexSignature', 'noUnusedParameters'];
  const checks = [...strict, ...stricter, 'noEmit', 'ignoreConfig', 'skipLibCheck false', 'pretty false'];
  const libraries = ['target es2022', 'lib es2023,dom,esnext.disposable', 'types '];
  const compile = (files: readonly string[], ...options: readonly string[]) => {
    const words = [...checks, ...libraries, ...options].flatMap((option) => `--${option}`.split(' '));
    return run(process.execPath, [compiler, ...words, ...files], project);
  };

  test('types, and the programs of the README', async () => {
    const programs = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
    assert.is(programs.length, 2);
    const texts = [typedProgram, ...programs.map(([, text]) => text!)];
    for (const [i, text] of texts.entries()) writeFileSync(join(project, `program${i}.mts`), text);
    const { code, stdout } = await compile(
      texts.map((_, i) => `program${i}.mts`),
      'module nodenext',
    );
    assert.is(stdout, '');
    assert.is(code, 0);
  });

  test('in a page what needs files does not compile; in Node a bundler has it by quern/node', async () => {
    writeFileSync(
      join(project, 'page.mts'),
      "import { fit, loadDataset } from 'quern';\nexport { fit, loadDataset };\n",
    );
    writeFileSync(join(project, 'server.mts'), "export { fit, loadDataset } from 'quern/node';\n");
    const files = ['page.mts', 'server.mts'];
    const { stdout } = await compile(files, 'module esnext', 'moduleResolution bundler');
    assert.is(
      stdout.trim(),
      `page.mts(1,15): error TS2305: Module '"quern"' has no exported member 'loadDataset'.`,
    );
  });

  test('a bundle of CommonJS trains on one thread, and says what two need', async () => {
    const words = [
      '--bundle',
      '--platform=node',
      '--format=cjs',
      '--outfile=program.cjs',
      '--log-level=error',
    ];
    writeFileSync(join(project, 'threads.mjs'), threadedProgram);
    const bundled = await run(join(root, 'node_modules/.bin/esbuild'), ['threads.mjs', ...words], project);
    assert.is(bundled.code, 0, bundled.stderr);
    const one = await run(process.execPath, ['program.cjs', '1'], project);
    assert.is(one.stdout, 'trained\n', one.stderr);
    const two = await run(process.execPath, ['program.cjs', '2'], project);
    assert.match(
      two.stdout,
      /^wasm: worker 1 does not start: the script of a worker is not found: a bundle of CommonJS does not know where it lies\n {2}Bundle quern\/worker to a file of its own and name it: openEngine\(\{ workerUrl \}\)/,
    );
  });

  test('the command', async () => {
    const { code, stdout, stderr } = await run('npx', ['--no-install', 'quern', '--help'], project);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^quern <command>/);
  });

  test('the command, with a recipe of the project', async () => {
    writeFileSync(join(project, 'my-recipe.js'), recipe);
    const words = ['--no-install', 'quern', 'train', './my-recipe.js', '--json', '--quiet'];
    const { code, stdout, stderr } = await run('npx', words, project);
    assert.is(code, 0, stderr);
    assert.is(JSON.parse(stdout).recipe, 'mine');
  });

  test('a sweep and a comparison, with what was installed alone', async () => {
    const words = ['--no-install', 'quern', 'sweep', './my-recipe.js', '--set', 'learningRate=0.1,0.2'];
    const more = ['--search', 'grid', '--seeds', '1', '--jobs', '1', '--json', '--quiet'];
    const { code, stdout, stderr } = await run('npx', [...words, ...more], project);
    assert.is(code, 0, stderr);
    const { trials } = JSON.parse(stdout) as { readonly trials: readonly { readonly state: string }[] };
    assert.equal(
      trials.map(({ state }) => state),
      ['finished', 'finished'],
    );
    const comparison = ['--no-install', 'quern', 'compare', './my-recipe.js', '--seeds', '1', '--quiet'];
    const compared = await run('npx', comparison, project);
    assert.is(compared.code, 0, compared.stderr);
    assert.match(compared.stdout, /\nmine +1 /);
  });

  test('the command, on a mode of gpu.js that is everywhere', async () => {
    const words = ['train', './my-recipe.js', '--json', '--quiet', '--backend', 'gpu', '--gpu-mode', 'cpu'];
    const { code, stdout, stderr } = await run('npx', ['--no-install', 'quern', ...words], project);
    assert.is(code, 0, stderr);
    const { backend, mode } = JSON.parse(stdout);
    assert.equal([backend, mode], ['gpu', 'cpu']);
  });

  test('the doctor: what is not there is optional, and has its reason', async () => {
    const { code, stdout, stderr } = await run('npx', ['--no-install', 'quern', 'doctor', '--json'], project);
    assert.is(code, 0, stderr);
    const backends: readonly { backend: string; mode?: string; state: string; reason?: string }[] =
      JSON.parse(stdout).backends;
    const own = backends.filter(({ mode }) => mode === undefined || mode === 'webasm' || mode === 'cpu');
    assert.equal(
      own.map(({ backend, state }) => `${backend} ${state}`),
      ['reference right', 'wasm right', 'gpu right', 'gpu right'],
    );
    // they may be there, by what the machine has; install scripts are off, so headless-gl is not compiled
    const reasons = {
      webgpu: /^(the package webgpu does not load: .|there is no WebGPU adapter)/,
      webgl2: /^webgl2 runs in browsers: /,
      webgl: /^webgl runs in browsers: /,
      headlessgl: /^the package gl does not load: it is (installed and not compiled|not installed)$/,
    };
    for (const [mode, pattern] of Object.entries(reasons)) {
      const { state, reason } = backends.find((each) => each.mode === mode)!;
      if (mode === 'webgpu' && state === 'right') continue;
      assert.is(state, 'unavailable');
      assert.match(reason!, pattern);
    }
  });
}

async function install(): Promise<Ended & { packed?: Packed }> {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true }');
  // The build is what is being tested; the scripts would make it anew. This step of it may not have been taken.
  const bundled = await run(process.execPath, [join(root, 'dist/src/vendor/bundle.js')], root);
  if (bundled.code !== 0) return bundled;
  const pack = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  if (pack.code !== 0) return pack;
  const [packed] = JSON.parse(pack.stdout) as [Packed];
  const words = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  return { ...(await run('npm', [...words, join(folder, packed.filename)], project)), packed };
}

const { code, stderr, packed } = await install();

suite('the package, installed', (test) => {
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  if (code !== 0 && unreachable.test(stderr)) {
    const [reason] = stderr.match(unreachable)!;
    test.unavailable(
      'in an empty project',
      `its dependencies cannot be installed without a network (${reason})`,
    );
    return;
  }
  test('can be packed and installed with scripts off', () => assert.is(code, 0, stderr));
  if (packed !== undefined) installed(packed, test);
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runDoctor } from '../../src/cli/commands/doctor/run.js';
import { doctorText } from '../../src/cli/commands/doctor/text.js';
import { reportError } from '../../src/cli/terminal/reportError.js';
import { BackendError } from '../../src/core/errors.js';
import {
  allCandidates,
  type Candidate,
  crossoverSize,
  type Diagnosis,
  diagnose,
  measuredBackends,
} from '../../src/doctor/diagnose.js';
import type { Backend, Program } from '../../src/engine/backend.js';
import { openBackend } from '../../src/engine/choose.js';
import { Engine } from '../../src/engine/engine.js';
import { writeMeasurements } from '../../src/engine/measurements.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';
import { inProject, quern } from './support.js';

/** The reference backend as a card that has something done to each of its results. */
function card(mode: string, change: (values: Float32Array) => void, adapter = 'a card'): Candidate {
  return {
    ...{ backend: 'gpu', mode },
    open: async () => {
      const honest = await openBackend({ backend: 'reference' });
      const prepare: Backend['prepare'] = async (plan, residents): Promise<Program> => {
        const program = await honest.prepare(plan, residents);
        return {
          explain: () => program.explain(),
          run: async (feeds, options) => {
            const fetched = await program.run(feeds, options);
            for (const values of Object.values(fetched)) change(values as Float32Array);
            return fetched;
          },
        };
      };
      return new Engine({
        limits: honest.limits,
        report: { ...honest.report, backend: 'gpu', mode, adapter },
        allocate: (leaf, initial) => honest.allocate(leaf, initial),
        prepare,
        close: () => honest.close(),
      });
    },
  };
}

/** One number of a matrix, a little off. */
const lie = (values: Float32Array) => {
  if (values.length > 0) values[values.length >> 1]! += 0.01;
};
const honest = () => {};

/** What a run in this process prints and throws, with a cache of its own, or a file in the cache's place. */
async function examine(candidates: readonly Candidate[], json: boolean, blocked?: string) {
  const { log } = console;
  const lines: string[] = [];
  const { QUERN_CACHE: before } = process.env;
  let error: unknown;
  let file = 'null';
  await inFolder(async (folder) => {
    process.env.QUERN_CACHE = blocked === undefined ? folder : join(folder, blocked, 'below');
    if (blocked !== undefined) writeFileSync(join(folder, blocked), '');
    console.log = (text: string) => lines.push(text);
    try {
      await runDoctor({ json }, candidates);
    } catch (thrown) {
      error = thrown;
    } finally {
      console.log = log;
      if (before === undefined) delete process.env.QUERN_CACHE;
      else process.env.QUERN_CACHE = before;
    }
    if (blocked === undefined) file = readFileSync(join(folder, 'doctor.json'), 'utf8');
  });
  return { printed: lines.join('\n'), kept: JSON.parse(file), error };
}

suite('diagnosis', (test) => {
  test('a backend that computes right, and what auto may take of it', async () => {
    const found = await diagnose(card('webgpu', honest));
    assert.is(found.state, 'right');
    assert.is(found.hardware, true);
    assert.equal(
      found.checks!.map(({ name }) => name),
      ['matmul', 'convolution', 'convolution, gradient of images', 'convolution, gradient of filter'],
    );
    for (const { error, bound } of found.checks!) assert.ok(error <= bound);
    for (const rate of Object.values(found.speed!)) assert.ok(rate > 0 && Number.isFinite(rate));
    const [measured] = measuredBackends([found]);
    assert.equal(measured, { backend: 'gpu', mode: 'webgpu', adapter: 'a card', speed: found.speed! });
  });

  test('a backend that lies, in one number', async () => {
    const found = await diagnose(card('webgpu', lie));
    assert.is(found.state, 'wrong');
    assert.match(
      found.reason!,
      /^matmul of \[37, 129\] by \[129, 53\] is off by \d\.\de-\d of the largest number$/,
    );
    assert.is(found.speed, undefined);
    assert.equal(measuredBackends([found]), []);
  });

  test('a backend that gives no numbers', async () => {
    const found = await diagnose(card('webgpu', (values) => values.fill(Number.NaN)));
    assert.match(found.reason!, /^matmul of .* is not finite$/);
  });

  test('a backend that fails at work', async () => {
    const fail = () => {
      throw new BackendError('gpu: matmul cannot be made', { cause: new Error('out of registers') });
    };
    const found = await diagnose(card('webgpu', fail));
    assert.is(found.state, 'wrong');
    assert.is(found.reason, 'matmul cannot be made (out of registers)');
  });

  test('a backend that does not open', async () => {
    const open = () => Promise.reject(new BackendError('gpu: no card', { hint: 'Buy one.' }));
    const found = await diagnose({ backend: 'gpu', mode: 'webgl2', open });
    assert.equal(found, {
      ...{ backend: 'gpu', mode: 'webgl2', state: 'unavailable', reason: 'no card', hardware: false },
    });
  });

  test('the size from which a mode beats wasm', () => {
    const wasm = { secondsPerKernel: 1e-6, matmulRate: 1e10, convolutionRate: 1 };
    const gpu = { secondsPerKernel: 1.01e-4, matmulRate: 1e11, convolutionRate: 1 };
    // 1e-4 = 2n³ · (1e-10 − 1e-11): n³ = 1e-4 / 1.8e-10 = 555,556 = 82.2³
    assert.is(crossoverSize(gpu, wasm), 83);
    assert.is(crossoverSize(wasm, gpu), Number.POSITIVE_INFINITY);
    assert.is(crossoverSize({ ...gpu, secondsPerKernel: 0 }, wasm), 0);
  });
});

suite('quern doctor, machine code', (test) => {
  test('auto goes by the speed of machine code where that is right', () => {
    const speed = (matmulRate: number) => ({ secondsPerKernel: 1e-6, matmulRate, convolutionRate: 1 });
    const found = { backend: 'wasm', state: 'right', hardware: false } as const;
    const plain = { ...found, speed: speed(1) };
    const native = { ...found, mode: 'native', speed: speed(4) };
    assert.equal(measuredBackends([plain, native]), [{ backend: 'wasm', speed: speed(4) }]);
    assert.equal(measuredBackends([plain, { ...native, state: 'wrong' }]), [
      { backend: 'wasm', speed: speed(1) },
    ]);
  });
});

suite('quern doctor, what machine code makes of the processor', (test) => {
  const speed = (rate: number) => ({ secondsPerKernel: 1e-6, matmulRate: rate, convolutionRate: rate / 2 });
  const report = (native?: string) => ({
    backend: 'wasm',
    threads: 2,
    numerics: 'wasm 5, 128-bit fma',
    native,
  });
  const found = { backend: 'wasm', state: 'right', hardware: false } as const;
  const text = (native: Partial<Diagnosis>) =>
    doctorText({
      ...{ versions: { quern: '1', node: '26' }, processor: 'one', processors: 2, sharedMemory: true },
      backends: [
        { ...found, report: report(), speed: speed(1e10) } as Diagnosis,
        { ...found, mode: 'native', ...native } as Diagnosis,
      ],
      ...{ auto: [], kept: { file: 'doctor.json' } },
    });

  test('times wasm, and the share of what as wide vectors can do', () => {
    const printed = text({ report: report('avx512') as never, speed: speed(3.5e10), share: 0.868 });
    assert.match(
      printed,
      /^wasm native: its test has passed; 3\.5 times wasm in products, 3\.5 in convolutions;\na product of 512 x 512 matrices on one thread reaches 87% of the multiply-adds of 512 bits\.$/m,
    );
    assert.match(
      text({ report: report('avx2') as never, speed: speed(1e10), share: 0.5 }),
      / of 256 bits\.$/m,
    );
  });

  test('why it is off', () => {
    const reason = 'Node 20.20.2 has no node:ffi: Node 26.12 or newer has it';
    const printed = text({ state: 'unavailable', reason });
    assert.match(
      printed,
      /^ {2}wasm native: unavailable: Node 20\.20\.2 has no node:ffi: Node 26\.12 or newer has it$/m,
    );
    assert.not.match(printed, /its test has passed/);
  });
});

suite('quern doctor', (test) => {
  test('a lying backend is named, and the exit code is 1', async () => {
    const { printed, kept, error } = await examine([card('webgpu', honest), card('webgl2', lie)], false);
    assert.match(printed, /^gpu webgpu {2}right .* a card$/m);
    assert.match(printed, /^gpu webgl2 {2}wrong .* a card$/m);
    assert.match(printed, /^ {2}gpu webgl2: wrong: matmul of .* is off by/m);
    assert.ok(error instanceof BackendError);
    assert.match(error.message, /^doctor: not to be used here: gpu webgl2: matmul of .* is off by .*number$/);
    assert.equal(
      kept.backends.map(({ mode }: { mode: string }) => mode),
      ['webgpu'],
    );
    const { error: print } = console;
    console.error = () => {};
    try {
      assert.is(reportError(error, false), 1);
    } finally {
      console.error = print;
    }
  });

  test('a driver that computes on the CPU is told as one, and auto does not take it', async () => {
    const { printed, kept } = await examine([card('webgl2', honest, 'ANGLE (llvmpipe)')], false);
    assert.match(printed, /^gpu webgl2 {2}right .* ANGLE \(llvmpipe\), on the CPU$/m);
    assert.equal(kept.backends, []);
    assert.match(printed, /^fashion-cnn +auto takes wasm: quern doctor found no hardware GPU$/m);
  });

  test('what auto takes is what the estimates say', async () => {
    // the only one that was measured is taken
    const { printed, error } = await examine([card('webgpu', honest)], true);
    assert.is(error, undefined);
    const { auto } = JSON.parse(printed);
    assert.ok(auto.length >= 3);
    for (const { backend, mode, adapter, reason } of auto) {
      assert.equal([backend, mode, adapter], ['gpu', 'webgpu', 'a card']);
      assert.match(reason, /^auto takes gpu webgpu: an estimated [\d.e+]+ ms a step on gpu webgpu$/);
    }
  });

  test('on this machine, every backend in a fixed order', () =>
    inFolder(async (folder) => {
      const environment = { QUERN_CACHE: folder };
      const { code, stdout, stderr } = await quern(['doctor'], { environment });
      assert.is(code, 0, stderr);
      assert.match(
        stdout,
        /^Quern \d[\w.-]*, Node\.js \d+\.\d+\.\d+\n.*, \d+ processors, shared memory\n\nbackend /,
      );
      const names = [
        'reference',
        'wasm',
        'wasm native',
        ...['webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm', 'cpu'].map((mode) => `gpu ${mode}`),
      ];
      const shown = [...stdout.matchAll(/^(reference|wasm native|wasm|gpu \w+) +(?:right|unavailable)/gm)];
      assert.equal(
        shown.map(([, name]) => name),
        names,
      );
      assert.match(stdout, /^fashion-cnn +auto takes wasm: /m);
      assert.ok(existsSync(join(folder, 'doctor.json')));
    }));

  test('as JSON: what ran, what was checked, and why a mode is not there', async () => {
    const wanted = ({ backend, mode }: Candidate) =>
      backend === 'wasm' || mode === 'headlessgl' || mode === 'cpu';
    const { printed, error } = await examine((await allCandidates()).filter(wanted), true);
    assert.is(error, undefined);
    const { backends, sharedMemory, versions } = JSON.parse(printed);
    assert.is(sharedMemory, true);
    assert.is(versions.node, process.versions.node);
    const [wasm, native, headless, cpu] = backends;
    if (native.state === 'unavailable') assert.match(native.reason, /./);
    else {
      assert.match(native.report.native, /^avx(2|512)$/);
      assert.ok(native.share > 0.1 && native.share < 1.5, `share ${native.share}`);
    }
    for (const { state, report, checks } of [wasm, cpu]) {
      assert.is(state, 'right');
      assert.is(checks.length, 4);
      assert.match(report.numerics, /./);
    }
    if (headless.state === 'unavailable') assert.match(headless.reason, /./);
    else assert.match(headless.report.adapter, /./);
  });

  test('where measurements cannot be kept, it says so', async () => {
    const { printed, error } = await examine([], false, 'nothing.json');
    assert.is(error, undefined);
    assert.match(printed, /\nnot kept, so auto does not go by it: .*doctor\.json: ENOTDIR: not a directory$/);
  });

  test('a training goes by what was measured, unless it has options of wasm', () =>
    inProject(async (cwd) => {
      const slow = { secondsPerKernel: 1, matmulRate: 1, convolutionRate: 1 };
      const fast = { secondsPerKernel: 1e-9, matmulRate: 1e12, convolutionRate: 1e12 };
      // a mode that runs everywhere stands for a card; it has no adapter
      const backends = [
        { backend: 'wasm', speed: slow },
        { backend: 'gpu', mode: 'cpu', speed: fast },
      ] as const;
      await writeMeasurements(join(cwd, 'doctor.json'), { backends });
      const environment = { QUERN_CACHE: cwd };
      const words = ['train', './tiny.mjs', '--epochs', '1', '--limit', '64', '--json'];
      const onGpu = await quern(words, { cwd, environment });
      assert.is(onGpu.code, 0, onGpu.stderr);
      assert.match(
        onGpu.stderr,
        /^backend gpu: auto takes gpu cpu: an estimated [\d.e-]+ ms a step on gpu cpu, [\d.e+]+ ms a step on wasm$/m,
      );
      const { backend, mode } = JSON.parse(onGpu.stdout);
      assert.equal([backend, mode], ['gpu', 'cpu']);
      const onWasm = await quern([...words, '--threads', '1', '--out', 'other'], { cwd, environment });
      assert.match(onWasm.stderr, /^backend wasm: auto takes wasm: it was given options of wasm$/m);
      assert.is(JSON.parse(onWasm.stdout).backend, 'wasm');
      writeFileSync(join(cwd, 'doctor.json'), '{');
      const damaged = await quern([...words, '--out', 'third'], { cwd, environment });
      assert.match(
        damaged.stderr,
        /^backend wasm: auto takes wasm: .*doctor\.json holds no measurements of this version and is ignored$/m,
      );
    }));
});

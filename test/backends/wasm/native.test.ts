import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { KernelCache } from '../../../src/backends/wasm/kernels.js';
import { whyNotNative } from '../../../src/backends/wasm/native/choose.js';
import type { ForeignFunctions } from '../../../src/backends/wasm/native/ffi.js';
import { checkHost } from '../../../src/backends/wasm/native/host.js';
import { listBytes, writeList } from '../../../src/backends/wasm/native/list.js';
import { levelOf } from '../../../src/backends/wasm/native/machine.js';
import type { Native } from '../../../src/backends/wasm/native/native.js';
import { ObjectWriter } from '../../../src/backends/wasm/native/object.js';
import { endedBy, judge, keptVerdict } from '../../../src/backends/wasm/native/tested.js';
import { bindTable } from '../../../src/backends/wasm/table.js';
import { BackendError, UsageError } from '../../../src/core/errors.js';
import { openEngine } from '../../../src/index.js';
import { rejects, throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';

const reason = whyNotNative();
const hint = '\n  Leave native out, or say off: results are the same.';

suite('machine code, chosen', (test) => {
  test('an unknown choice', async () => {
    await rejects(
      () => openEngine({ backend: 'wasm', native: 'yes' as 'on' }),
      UsageError,
      'wasm: native must be auto, on, off, avx2, avx512: yes',
    );
  });

  test('QUERN_NATIVE is the default; an unknown word there is an error that names it', async () => {
    const before = process.env.QUERN_NATIVE;
    try {
      process.env.QUERN_NATIVE = 'off';
      await using engine = await openEngine({ backend: 'wasm' });
      assert.is(engine.report.native, undefined);
      process.env.QUERN_NATIVE = 'yes';
      await rejects(
        () => openEngine({ backend: 'wasm' }),
        UsageError,
        "wasm: the environment's QUERN_NATIVE must be auto, on, off, avx2, avx512: yes",
      );
      await using other = await openEngine({ backend: 'wasm', native: 'off' });
      assert.is(other.report.native, undefined);
    } finally {
      if (before === undefined) delete process.env.QUERN_NATIVE;
      else process.env.QUERN_NATIVE = before;
    }
  });

  test('off: nothing is reported', async () => {
    await using engine = await openEngine({ backend: 'wasm', native: 'off' });
    assert.is(engine.report.native, undefined);
  });

  if (reason === undefined) test.unavailable('where it cannot be', 'it can be here');
  else {
    test('on, where it cannot be: an error with the reason', async () => {
      assert.match(reason, /^native: /);
      await rejects(() => openEngine({ backend: 'wasm', native: 'on' }), BackendError, reason + hint);
    });
    test('auto, where it cannot be: wasm, and the report has the reason', async () => {
      await using engine = await openEngine({ backend: 'wasm' });
      assert.is(engine.report.native, `off: ${reason.replace('native: ', '')}`);
    });
  }

  if (reason !== undefined) test.unavailable('beside baseline SIMD', reason);
  else {
    test('on, beside baseline SIMD: it rounds otherwise', async () => {
      await rejects(
        () => openEngine({ backend: 'wasm', native: 'on', simd: 'baseline' }),
        BackendError,
        `native: machine code rounds a·b + c once, WebAssembly twice here${hint}`,
      );
    });
  }
});

suite('kernels beside machine code', (test) => {
  const layout = (shape: readonly number[]) => ({
    ...{
      dtype: 'float32' as const,
      shape,
      strides: shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)),
    },
  });
  /** Kernels of two calls, none of which becomes machine code. */
  async function kernelsWith(compile: Native['compile'], alone: boolean) {
    const native = { alone, compile } as Native;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const options = { simd: 'relaxed', shared: true } as const;
    const kernels = new KernelCache(memory, options, { tuner: undefined, native, forget: () => {} });
    const expressions = [{ type: 'input', index: 0, dtype: 'float32' }] as const;
    const of = (size: number) =>
      kernels.get('map', {
        specification: { expressions },
        inputs: [layout([size])],
        outputs: [layout([size])],
      });
    return { kernels, made: [await of(4), await of(8)] };
  }
  const lacking = () =>
    Promise.reject(new BackendError('x64: run cannot be written: x64: no code for select'));

  test('how many, of which kind, and why, each reason once', async () => {
    const { kernels, made } = await kernelsWith(lacking, false);
    const reason = 'x64: run cannot be written: x64: no code for select';
    assert.is(kernels.besideNative, `2 of 2 kernels are WebAssembly: map: ${reason}`);
    for (const { module, native, notNative } of made)
      assert.equal([module instanceof WebAssembly.Module, native, notNative], [true, undefined, reason]);
  });

  test('where WebAssembly rounds otherwise, none may be beside', async () => {
    await rejects(
      () => kernelsWith(lacking, true),
      BackendError,
      'x64: run cannot be written: x64: no code for select',
    );
  });
});

suite('machine code, its place', (test) => {
  const able = { platform: 'linux', arch: 'x64', allowed: true };
  for (const [what, host, message] of [
    ['browsers', { ...able, platform: undefined }, 'native: browsers have no foreign functions'],
    [
      'macOS',
      { ...able, platform: 'darwin' },
      'native: code is written for Linux on x64 processors: this is darwin on x64',
    ],
    [
      'arm64',
      { ...able, arch: 'arm64' },
      'native: code is written for Linux on x64 processors: this is linux on arm64',
    ],
    [
      'the permission model',
      { ...able, allowed: false },
      "native: Node's permission model does not allow foreign functions",
    ],
  ] as const) {
    test(what, () => throws(() => checkHost(host), BackendError, message));
  }

  test('processors, by what CPUID says', () => {
    const bits = (...places: number[]) => places.reduce((sum, place) => sum | (1 << place), 0);
    const answers = { leaf1: bits(12, 27, 28), leaf7: bits(3, 5, 8), system: 0xe7 };
    const processor = ({ leaf1, leaf7, system } = answers) =>
      levelOf(
        (what) =>
          new Map([
            [0, 7],
            [0x201, leaf1],
            [0x107, leaf7],
            [0x400, system],
          ]).get(what) ?? 0,
      );
    assert.is(processor(), 'avx2');
    const wide = { ...answers, leaf7: answers.leaf7 | bits(16, 17, 30, 31) };
    assert.is(processor(wide), 'avx512');
    // the system does not save registers of 512 bits
    assert.is(processor({ ...wide, system: 0x07 }), 'avx2');
    for (const lacking of [
      { ...answers, leaf1: bits(27, 28) },
      { ...answers, leaf7: bits(3, 8) },
      { ...answers, system: 3 },
    ])
      throws(
        () => processor(lacking),
        BackendError,
        'native: this processor has no AVX2 with fused multiply-add',
      );
  });

  test('a system without files in memory, or without seals', () => {
    const foreign = (file: number, sealed: number): ForeignFunctions => ({
      engine: 'Node',
      addressOf: () => 0n,
      open: () => ({
        handle: undefined,
        functions: { memfd_create: () => file, fcntl: () => sealed } as never,
      }),
    });
    const write = (given: ForeignFunctions) => () => new ObjectWriter(given).write(Uint8Array.of(0xc3), {});
    throws(write(foreign(-1, 0)), BackendError, 'native: the system gives no file in memory (memfd_create)');
    const folder = mkdtempSync(join(tmpdir(), 'quern-native-'));
    const file = openSync(join(folder, 'object'), 'w+');
    throws(
      write(foreign(file, -1)),
      BackendError,
      'native: the system does not seal a file in memory (F_ADD_SEALS)',
    );
    closeSync(file);
    rmSync(folder, { recursive: true });
  });
});

suite('machine code, tested', (test) => {
  test('what the test prints is judged', () => {
    assert.is(judge('{"different":[]}\n'), 'passed');
    assert.is(judge('{"different":["matmul","map"]}'), 'machine code gives other bytes here: matmul, map');
    assert.is(judge(''), 'the test of machine code does not run here');
  });

  test('what ends the test from outside says nothing of machine code', () => {
    for (const signal of ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'])
      assert.is(endedBy(signal), `the test of machine code was ended by ${signal}`);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGQUIT'])
      assert.is(endedBy(signal), judge(''));
  });

  test('a verdict is kept in a file beside those of other machines; a broken file is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quern-native-'));
    try {
      const file = join(folder, 'deep', 'native.json');
      const counted = { tests: 0 };
      const find = (machine: string) =>
        keptVerdict(file, machine, async () => {
          counted.tests++;
          return 'passed';
        });
      assert.is(await find('a'), 'passed');
      assert.is(await find('b'), 'passed');
      assert.is(await find('a'), 'passed');
      assert.is(counted.tests, 2);
      assert.equal(JSON.parse(readFileSync(file, 'utf8')), {
        version: 1,
        machines: { a: 'passed', b: 'passed' },
      });
      for (const vain of ['does not run here', 'took too long here']) {
        const verdict = await keptVerdict(file, 'c', async () => `the test of machine code ${vain}`);
        assert.is(verdict, `the test of machine code ${vain}`);
      }
      assert.is(Object.keys(JSON.parse(readFileSync(file, 'utf8')).machines).join(), 'a,b');
      writeFileSync(file, '{"version":1,"machines":[');
      assert.is(await find('a'), 'passed');
      assert.is(counted.tests, 3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

suite('lists of calls', (test) => {
  test('each call has its address, the number of values, the values, and zeros to a multiple of 8; zeros end it', () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const calls = [
      { address: 0x1122334455n, values: [1, -2, 3] },
      { address: 7n, values: [] },
    ];
    assert.is(listBytes(calls), 16 + 16 + 16 + 8);
    writeList(memory, 64, calls);
    const words = [...new Int32Array(memory.buffer, 64, 14)];
    assert.equal(words, [0x22334455, 0x11, 3, 0, 1, -2, 3, 0, 7, 0, 0, 0, 0, 0]);
  });

  test('every worker walks its own list, again where its scratch area is prepared', () => {
    const call = { list: 1000, again: 1100, listStep: 256, scratch: 3 };
    const table = { phases: [[{ home: 0, calls: [call] }]], workers: 3, scratchAddress: 0, scratchBytes: 0 };
    const walk = () => {};
    const [, chunk] = bindTable(table, [], 2, walk);
    assert.equal(chunk!.calls, [{ run: walk, args: [1512], again: [1612], scratch: 3 }]);
  });
});

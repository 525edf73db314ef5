import * as assert from 'uvu/assert';
import type { KernelKind } from '../../kernels/kinds.js';
import { checkRevectorize, checkSame, revectorizeHost } from '../../src/backends/wasm/revectorize.js';
import { differentKinds } from '../../src/backends/wasm/revectorizeCheck.js';
import { BackendError } from '../../src/core/errors.js';
import { openEngine } from '../../src/engine/engine.js';
import { detectSimdLevel, numericsOf } from '../../src/writers/wasm/simdLevel.js';
import { rejects, throws } from '../support/messages.js';
import { suite } from '../support/suite.js';
import type { RevectorizedFindings } from './revectorizedKernels.js';
import { findingsIn, noOtherNodes, otherNodes, printedBy, runScript, v8Version } from './support.js';
import type { EngineFindings } from './train.js';

const hint = '\n  Leave revectorize out: results are the same without it.';
const own = revectorizeHost(numericsOf(detectSimdLevel()));

/** Why a Node that brings this V8 cannot join vectors on this machine, if so. */
function reasonAgainst(v8: string): string | undefined {
  try {
    checkRevectorize({ ...own, v8 });
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

/** Every Node that can; or why there is none. */
async function findNodes(): Promise<{ paths: string[]; reason: string }> {
  let reason = noOtherNodes;
  const paths: string[] = [];
  for (const path of [process.execPath, ...otherNodes]) {
    const against = reasonAgainst(await v8Version(path));
    if (against === undefined) paths.push(path);
    else reason = `${against}${otherNodes.length === 0 ? `; ${noOtherNodes}` : ''}`;
  }
  return { paths, reason };
}

const { paths, reason } = await findNodes();

suite('revectorize', (test) => {
  test('says what it needs', () => {
    const able = { v8: '13.6.233.17-node.48', arch: 'x64', numerics: 'fma' } as const;
    checkRevectorize(able);
    throws(
      () => checkRevectorize({ ...able, v8: '12.4.254.21-node.56' }),
      BackendError,
      `wasm: revectorize needs V8 13, that of Node 24, or a later one: this is V8 12.4.254.21-node.56${hint}`,
    );
    throws(
      () => checkRevectorize({ ...able, v8: undefined, arch: undefined }),
      BackendError,
      `wasm: revectorize needs V8 13, that of Node 24, or a later one: this is not Node${hint}`,
    );
    throws(
      () => checkRevectorize({ ...able, arch: 'arm64' }),
      BackendError,
      `wasm: revectorize needs an x64 processor with AVX2: this is arm64${hint}`,
    );
    throws(
      () => checkRevectorize({ ...able, numerics: 'mul-add' }),
      BackendError,
      `wasm: revectorize needs an x64 processor with AVX2: this is x64 without fused multiply-add${hint}`,
    );
  });

  test('kernels that give other bytes are noticed, and refused with the version of V8', () => {
    const options = { simd: detectSimdLevel(), shared: false };
    assert.equal(differentKinds(options, { ...options, wide: true }), []);
    // one rounding instead of two: other bytes wherever products are summed
    const different = differentKinds({ ...options, simd: 'baseline' }, { ...options, simd: 'relaxed' });
    for (const kind of ['matmul', 'conv2d', 'conv2dInputGradient', 'conv2dFilterGradient']) {
      assert.ok(different.includes(kind as KernelKind), kind);
    }
    checkSame([], '13.6.233.17-node.48');
    throws(
      () => checkSame(['matmul', 'reduce'], '13.6.233.17-node.48'),
      BackendError,
      'wasm: revectorize gives other bytes than plain code in V8 13.6.233.17-node.48: matmul, reduce\n' +
        '  Leave revectorize out, or take another version of Node.',
    );
  });

  test('an engine reports it, or refuses it with the reason', async () => {
    const reason = reasonAgainst(process.versions.v8);
    if (reason === undefined) {
      await using engine = await openEngine({ backend: 'wasm', revectorize: true });
      assert.is(engine.report.experimental, `revectorize, V8 ${process.versions.v8}`);
    } else {
      await rejects(() => openEngine({ backend: 'wasm', revectorize: true }), BackendError, reason + hint);
    }
    await using engine = await openEngine({ backend: 'wasm' });
    assert.is(engine.report.experimental, undefined);
  });

  const [first] = paths;
  if (first === undefined) {
    test.unavailable('every kernel gives the same bytes', reason);
    test.unavailable('training gives the same bytes', reason);
    return;
  }
  // all code that runs is then what V8 has optimized
  const flags = ['--no-liftoff'];

  for (const [i, path] of paths.entries()) {
    test(`every kernel gives the same bytes, in Node ${i + 1} of ${paths.length} that can`, async () => {
      const printed = await printedBy(path, './revectorizedKernels.js', {
        flags: [...flags, '--trace-wasm-revectorize'],
      });
      const { compared, different } = findingsIn<RevectorizedFindings>(printed);
      // V8 13, V8 14
      const joined = printed.split(/After build tree|After tree building/).length - 1;
      assert.ok(joined > compared, `V8 has joined the vectors of ${joined} stores in ${compared} kernels`);
      assert.equal(different, []);
    });
  }

  test('training gives the same bytes, which this Node gives too', async () => {
    const expected = await runScript<EngineFindings>(process.execPath, './train.js');
    const actual = await runScript<EngineFindings>(first, './train.js', {
      flags,
      words: ['revectorize'],
    });
    assert.equal(actual.trained, expected.trained);
  });
});

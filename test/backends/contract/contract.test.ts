import { openWasm, type WasmBackendOptions } from '../../../src/backends/wasm/wasm.js';
import type { Backend } from '../../../src/engine/backend.js';
import { openBackend } from '../../../src/engine/choose.js';
import type { BackendOptions } from '../../../src/engine/options.js';
import { provideTestDisplay } from '../../support/display.js';
import { reasonOf } from '../../support/runCase.js';
import { suite } from '../../support/suite.js';
import { provideTestWebGpu } from '../../support/webgpu.js';
import { contract } from './contract.js';

const open = (options: BackendOptions) => () => openBackend(options);
const wasm = (options: WasmBackendOptions) => () => openWasm(options);
/** Pieces of one byte: every kernel is shared, however small. */
const shared = { pieceBytes: 1 };

const candidates: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['reference', open({ backend: 'reference' })],
  ['reference, float64 storage', open({ backend: 'reference', precision: 'float64' })],
  ['wasm, baseline SIMD', wasm({ simd: 'baseline', threads: 1 })],
  ['wasm, relaxed SIMD', wasm({ simd: 'relaxed', threads: 1 })],
  ['wasm, poisoned memory', wasm({ poison: true })],
  ['wasm, baseline SIMD, 2 threads', wasm({ simd: 'baseline', threads: 2, ...shared })],
  ['wasm, relaxed SIMD, 2 threads', wasm({ simd: 'relaxed', threads: 2 })],
  ['wasm, relaxed SIMD, 3 threads', wasm({ simd: 'relaxed', threads: 3, ...shared })],
  ['gpu cpu', open({ backend: 'gpu', gpuMode: 'cpu' })],
  ['gpu webasm', open({ backend: 'gpu', gpuMode: 'webasm' })],
  ['gpu webgpu', open({ backend: 'gpu', gpuMode: 'webgpu' })],
  ['gpu headlessgl', open({ backend: 'gpu', gpuMode: 'headlessgl' })],
];

await provideTestWebGpu();
await provideTestDisplay();
// all before the first suite: uvu starts as soon as nothing is left to register
const opened = await Promise.all(
  candidates.map(async ([name, again]) => ({ name, again, backend: await again().catch(reasonOf) })),
);

for (const { name, again, backend } of opened) {
  suite(`contract: ${name}`, (test) => {
    if (typeof backend === 'string') {
      test.unavailable('all of it', backend);
      return;
    }
    test.after(() => backend.close());
    for (const { name: promise, check } of contract) {
      test(promise, () => check(backend, again));
    }
  });
}

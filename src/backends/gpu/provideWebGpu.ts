/** WebGPU in Node, from the npm package `webgpu` (Dawn), which is optional: people install it themselves. */
import { BackendError, sentenceOf } from '../../core/errors.js';

interface WebGpuPackage {
  create(options: readonly string[]): GPU;
}

/** Makes sure that there is a `navigator.gpu`. Rejects with a BackendError that tells how to get one. */
export async function provideWebGpu(): Promise<void> {
  const { navigator, process } = globalThis as {
    navigator?: Navigator;
    process?: { versions?: { node?: string } };
  };
  if (navigator?.gpu !== undefined) return;
  if (process?.versions?.node === undefined) {
    throw new BackendError('gpu: this browser has no navigator.gpu', {
      hint: 'WebGPU needs a recent browser, and a page that comes by https or from localhost.',
    });
  }
  // A name that bundlers for browsers do not follow.
  const name = 'webgpu';
  let loaded: WebGpuPackage;
  try {
    loaded = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  } catch (cause) {
    throw new BackendError(`gpu: the package webgpu does not load: ${sentenceOf(cause)}`, {
      cause,
      hint: "WebGPU in Node comes from the package 'webgpu': npm install webgpu@^0.6.2",
    });
  }
  const gpu = loaded.create([]);
  if (navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  else Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
}

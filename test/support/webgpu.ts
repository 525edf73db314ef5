/**
 * WebGPU for tests in Node: the package `webgpu`, from a folder that the variable QUERN_WEBGPU names (where
 * `npm install webgpu` was run), on the software driver of Debian's chromium unless VK_ICD_FILENAMES names another.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const chromiumsDriver = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Puts a `navigator.gpu` in place. Resolves to the reason why there is none, if so. */
export async function provideTestWebGpu(): Promise<string | undefined> {
  const folder = process.env.QUERN_WEBGPU;
  if (!folder) return 'no package webgpu: name a folder where it is installed in QUERN_WEBGPU';
  if (process.env.VK_ICD_FILENAMES === undefined && existsSync(chromiumsDriver)) {
    process.env.VK_ICD_FILENAMES = chromiumsDriver;
  }
  const entry = pathToFileURL(join(folder, 'node_modules/webgpu/index.js')).href;
  let gpu: GPU;
  try {
    const { create } = (await import(entry)) as { create(options: readonly string[]): GPU };
    gpu = create([]);
  } catch (error) {
    return `the package webgpu does not load: ${String(error).split('\n')[0]}`;
  }
  if ((await gpu.requestAdapter()) === null) return 'the package webgpu finds no adapter';
  const { navigator } = globalThis as { navigator?: Navigator };
  const target = navigator ?? Object.create(null);
  Object.defineProperty(target, 'gpu', { value: gpu, configurable: true });
  if (navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: target, configurable: true });
  }
  return undefined;
}

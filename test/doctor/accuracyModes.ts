/** Where the accuracy of each backend and mode is measured: here, or in headless Chromium on its software driver. */
import { measureAccuracy } from '../../src/doctor/accuracy.js';
import { subjects } from '../../src/doctor/subjects.js';
import { openEngine } from '../../src/engine/engine.js';
import type { BackendOptions } from '../../src/engine/options.js';
import { Browser } from '../support/browser/browser.js';
import type { AccuracyResult } from './accuracyRuns.js';

/** By the name in the table. */
export const nodeModes: Readonly<Record<string, BackendOptions>> = {
  reference: { backend: 'reference' },
  wasm: { backend: 'wasm' },
  'wasm, baseline SIMD': { backend: 'wasm', simd: 'baseline' },
  'gpu cpu': { backend: 'gpu', gpuMode: 'cpu' },
  'gpu webasm': { backend: 'gpu', gpuMode: 'webasm' },
};

const gl = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];

/** What Chromium must be told, by mode. */
export const browserModes = {
  webgpu: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
  webgl2: gl,
  webgl: gl,
} as const;

export async function measureHere(options: BackendOptions): Promise<AccuracyResult> {
  await using engine = await openEngine(options);
  const { mode, adapter } = engine.report;
  return { mode, adapter, found: await measureAccuracy(engine, subjects) };
}

export async function measureInBrowser(
  chromium: string,
  mode: keyof typeof browserModes,
): Promise<AccuracyResult> {
  const browser = await Browser.open(chromium, { graphics: browserModes[mode] });
  try {
    return await browser.run(import.meta.resolve('./accuracyRuns.js'), 'measureMode', mode, { seconds: 300 });
  } finally {
    await browser.close();
  }
}

/** What the tests of accuracy have done in a browser. */
import type * as Quern from '../../src/browser.js';
import { type Accuracy, measureAccuracy } from '../../src/doctor/accuracy.js';
import { subjects } from '../../src/doctor/subjects.js';

export interface AccuracyResult {
  readonly mode: string | undefined;
  readonly adapter: string | undefined;
  readonly found: readonly Accuracy[];
}

/** Measures a mode of gpu.js in the browser that this runs in. */
export async function measureMode(quern: typeof Quern, gpuMode: string): Promise<AccuracyResult> {
  const engine = await quern.openEngine({ backend: 'gpu', gpuMode });
  try {
    const { mode, adapter } = engine.report;
    return { mode, adapter, found: await measureAccuracy(engine as never, subjects) };
  } finally {
    await engine.close();
  }
}

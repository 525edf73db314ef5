/** The engine of the page, and what it does without. */
import { type Engine, openEngine } from '../../browser.js';
import type { BackendState } from '../shared/messages.js';
import type { Settings } from '../shared/settings.js';

const reasonOf = (error: unknown) => (error instanceof Error ? error.message.split('\n')[0]! : String(error));

export interface Opened {
  readonly engine: Engine;
  readonly state: BackendState;
}

/** Opens what is asked for, or wasm where that cannot be had. */
export async function openFor({ backend, threads }: Settings): Promise<Opened> {
  const without: string[] = [];
  const isolated = globalThis.crossOriginIsolated === true;
  if (!isolated)
    without.push('one thread: this page is not cross-origin isolated, so there is no shared memory');
  let engine: Engine | undefined;
  if (backend === 'gpu') {
    engine = await openEngine({ backend: 'gpu' }).catch((error: unknown) => {
      without.push(`no GPU: ${reasonOf(error)}; wasm computes`);
      return undefined;
    });
    // a GPU that a processor imitates is slower than wasm
    const { fallback } = engine?.report ?? {};
    if (fallback !== undefined) {
      without.push(`no GPU: ${fallback}; wasm computes`);
      await engine?.close();
      engine = undefined;
    }
  }
  engine ??= await openEngine({
    backend: 'wasm',
    threads: isolated ? (threads ?? Math.max(1, Math.min(8, navigator.hardwareConcurrency))) : 1,
  });
  const { report } = engine;
  const state: BackendState = {
    backend: report.mode === undefined ? report.backend : `${report.backend} (${report.mode})`,
    numerics: report.numerics,
    without,
    ...(report.threads !== undefined && { threads: report.threads }),
  };
  return { engine, state };
}

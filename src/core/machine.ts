/** What a measurement depends on beside what is measured. */
import { isObject } from './isObject.js';

export interface MachineKey {
  /** Version of Quern; `unknown` in a bundle, which has no package.json beside it. */
  readonly quern: string;
  /** Model of the processor. */
  readonly processor: string;
  /** Version of Node.js. */
  readonly node: string;
}

/** This machine, for measurements that are kept. Needs Node.js. */
export async function machineKey(): Promise<MachineKey> {
  // getBuiltinModule, not imports: bundlers for browsers need not know these modules
  const os = process.getBuiltinModule('node:os');
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  let quern = 'unknown';
  try {
    const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
    const manifest: unknown = JSON.parse(text);
    if (isObject(manifest)) quern = String(manifest.version);
  } catch {
    // a bundle: what it measures is kept apart
  }
  const [processor] = os.cpus();
  return { quern, processor: processor?.model ?? 'unknown', node: process.versions.node };
}

import { BackendError } from './errors.js';

/**
 * Throws where a worker's script is looked for beside the module, and the module does not know its own address: in bundles of
 * CommonJS and in plain scripts.
 *
 * @param address `import.meta.url`, which such bundles leave undefined
 * @param entry what `package.json` exports for the script
 * @param cure the option that names the script, and what does without one
 * @throws BackendError
 */
export function checkOwnAddress(address: string | undefined, entry: string, cure: string): void {
  if (address !== undefined && address !== '') return;
  throw new BackendError(
    `the script of a worker is not found: a bundle of CommonJS does not know where it lies`,
    { hint: `Bundle ${entry} to a file of its own and name it: ${cure}; or make a bundle of ES modules.` },
  );
}

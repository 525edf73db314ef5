import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

/** Below so many open files, modules are not all opened at once. */
const few = 256;

/** How many files this process may have open; where the system does not say it in a file, as many as it wants. */
function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft ?? Infinity);
  } catch {
    return Infinity;
  }
}

/**
 * Node.js opens all modules of a command at once. Where that are more than it may open, the library is loaded first, which
 * comes in layers (src/vendor/layers.ts) and leaves a command few to open.
 */
export async function loadForFewFiles(): Promise<void> {
  if (mostOpenFiles() < few) await import('../index.js');
}

/**
 * Keeps V8's room for new objects at the megabyte that it begins with: while kernels are written it would grow to 32, and a
 * training would keep these to its end. An option of `node` cannot be given to a command.
 */
export function keepYoungObjectsFew(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Where and with what something was measured: numbers without it mean nothing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Machine {
  readonly cpu: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** Operating system and architecture, such as `linux x64`. */
  readonly system: string;
  /** Processes that wanted to run, over the minute before: other work on the machine shows here. */
  readonly load: number;
}

export interface Versions {
  readonly quern: string;
  readonly node: string;
  readonly v8: string;
  /** As `git describe` says it, in a checkout. */
  readonly commit?: string;
}

/** The folder that holds package.json: of the checkout, or of the installed package. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${process.arch} ${release()}`,
    load: loadavg()[0]!,
  };
}

function describeCommit(root: string): string | undefined {
  if (!existsSync(join(root, '.git'))) return undefined;
  try {
    const words = ['describe', '--always', '--tags', '--dirty'];
    return execFileSync('git', words, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // No git here, or not a repository after all.
    return undefined;
  }
}

export function describeVersions(root = packageRoot): Versions {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const commit = describeCommit(root);
  const { node, v8 } = process.versions;
  return { quern: version, node, v8, ...(commit === undefined ? {} : { commit }) };
}

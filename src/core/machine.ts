/** The machine: what measurements depend on, and how many threads it runs at once. */
import { isObject } from './json.js';

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

/** The text of a file; undefined where it cannot be read. */
type ReadText = (path: string) => string | undefined;

/** Where control groups are mounted: version 2 (by itself, or beside version 1), then version 1's controller `cpu`. */
const mounts = {
  2: ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'],
  1: ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'],
} as const;

/** A group's path and those of all around it, the root last: `/a/b`, `/a`, ``. */
function enclosing(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  // a group outside of what this process may see
  if (names.includes('..')) return [''];
  return Array.from({ length: names.length + 1 }, (_, out) =>
    names
      .slice(0, names.length - out)
      .map((name) => `/${name}`)
      .join(''),
  );
}

/** Processor time per time of a group: Infinity where it has no limit. */
function quotaOf(folder: string, version: 1 | 2, read: ReadText): number {
  const words =
    version === 2
      ? read(`${folder}/cpu.max`)?.trim().split(/\s+/)
      : [read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)];
  const [quota, period] = (words ?? []).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : Number.POSITIVE_INFINITY;
}

/**
 * The limit of processors that a container sets, as Docker's `--cpus` and Kubernetes' limits do: whole processors, rounded
 * down, at least 1; Infinity where there is none. Node 20 does not see it, later versions see that of version 2.
 */
export function processorLimit(read: ReadText): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined) continue;
    const version = controllers === '' ? 2 : 1;
    if (version === 1 && !controllers.split(',').includes('cpu')) continue;
    for (const mount of mounts[version]) {
      // inside a container the group is often mounted as the root
      for (const group of enclosing(path!)) least = Math.min(least, quotaOf(mount + group, version, read));
    }
  }
  return Math.max(1, Math.floor(least));
}

/** How many threads this process may run at once, at least 1. */
export function processors(): number {
  if (typeof process === 'undefined' || process.getBuiltinModule === undefined) {
    return globalThis.navigator?.hardwareConcurrency ?? 1;
  }
  // getBuiltinModule, not imports: bundlers for browsers need not know these modules
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const read: ReadText = (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  };
  return Math.min(process.getBuiltinModule('node:os').availableParallelism(), processorLimit(read));
}

/** Machines of a bench: network namespaces of this one, each with an address of its own and a wire that can be cut. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Machine {
  /** What comes before a command that runs there. */
  readonly enter: readonly string[];
  readonly folder: string;
  /** Where it finds the machine that it is a part of. */
  readonly host: string;
  /** Takes its wire out or puts it in; nothing where it has none. */
  wire(whole: boolean): void;
  remove(): void;
}

function ip(words: string): boolean {
  return spawnSync('ip', words.split(' '), { stdio: 'ignore' }).status === 0;
}

/** One in a namespace; undefined where this system or this user makes none. */
function makeNamespace(number: number, folder: string): Machine | undefined {
  const name = `quern-bench-${process.pid}-${number}`;
  const near = `qb${process.pid % 10_000}-${number}`;
  const network = `10.213.${number}`;
  if (!ip(`netns add ${name}`)) return undefined;
  const remove = () => {
    ip(`link del ${near}`);
    ip(`netns del ${name}`);
  };
  const made = [
    `link add ${near} type veth peer name eth0 netns ${name}`,
    `addr add ${network}.1/24 dev ${near}`,
    `link set ${near} up`,
    `-n ${name} addr add ${network}.2/24 dev eth0`,
    `-n ${name} link set lo up`,
    `-n ${name} link set eth0 up`,
  ].every(ip);
  if (!made) {
    remove();
    return undefined;
  }
  return {
    enter: ['ip', 'netns', 'exec', name],
    folder,
    host: `${network}.1`,
    wire: (whole) => ip(`link set ${near} ${whole ? 'up' : 'down'}`),
    remove,
  };
}

/** Machines with folders of their own; where there are no namespaces, the folders are all that is apart. */
export function makeMachines(count: number, folder: string): Machine[] {
  return Array.from({ length: count }, (_, i) => {
    const own = join(folder, `machine-${i}`);
    mkdirSync(own);
    return (
      makeNamespace(i, own) ?? { enter: [], folder: own, host: '127.0.0.1', wire: () => {}, remove: () => {} }
    );
  });
}

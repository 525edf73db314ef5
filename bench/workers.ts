/**
 * How many trials an hour do more trainings at a time give? The same sweep (trials of the perceptron on the images that come
 * with the package, one thread each), with the queue of the process (PGlite), Redis and PostgreSQL, by 1, 2 and 4 trainings at a time, in
 * turns. Of n at a time a rate counts those after the n-th that ends, so that the start is not in it.
 *
 *     node dist/bench/workers.js [--on pglite,redis,postgres] [--jobs 1,2,4] [--trials 12] [--rounds 3]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from './support/format.js';
import { ended, type Server, serverOf } from './support/servers.js';
import { summarize } from './support/statistics.js';

const { values: options } = parseArgs({
  options: {
    on: { type: 'string', default: 'pglite,redis,postgres' },
    jobs: { type: 'string', default: '1,2,4' },
    trials: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
  },
});
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quern-bench-workers-'));
const serverPort = 17_381;
const queues = options.on.split(',');
const jobs = options.jobs.split(',').map(Number);

/** Trials an hour of one sweep. */
async function rate(queue: string, count: number, round: number): Promise<number> {
  const server: Server | undefined = queue === 'pglite' ? undefined : serverOf(queue, serverPort, folder);
  await server?.start();
  const words = ['sweep', 'mnist-mlp', '--search', 'random', '--trials', options.trials, '--seeds', '1'];
  const more = ['--epochs', '1', '--limit', '4000', '--set', 'learningRate=log:1e-4..1e-2'];
  // another seed each round, since a queue never does the same trial twice
  const own = [
    '--jobs',
    String(count),
    '--seed',
    String(round * 10 + count),
    '--out',
    join(folder, `${queue}-${count}-${round}`),
  ];
  const environment = server === undefined ? {} : { QUERN_QUEUE: server.url(serverPort) };
  const child = spawn(process.execPath, [main, ...words, ...more, ...own], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ends: number[] = [];
  const lines: string[] = [];
  createInterface(child.stderr!).on('line', (line) => {
    lines.push(line);
    if (/^trial-.*validation/.test(line)) ends.push(performance.now());
  });
  const code = await ended(child);
  await server?.stop();
  if (code !== 0 || ends.length !== Number(options.trials))
    throw new Error(
      `${queue}, ${count}: exit code ${code}, ${ends.length} trials: ${lines.slice(-3).join(' | ')}`,
    );
  return (3_600_000 * (ends.length - count)) / (ends.at(-1)! - ends[count - 1]!);
}

const rates = new Map<string, number[]>();
for (let round = 0; round < Number(options.rounds); round++) {
  for (const queue of queues) {
    for (const count of jobs) {
      const name = `${queue} ${count}`;
      const found = await rate(queue, count, round);
      rates.set(name, [...(rates.get(name) ?? []), found]);
      console.error(`round ${round + 1}: ${name}: ${found.toFixed(0)} trials an hour`);
    }
  }
}
rmSync(folder, { recursive: true });

const rows = queues.flatMap((queue) =>
  jobs.map((count) => {
    const own = rates.get(`${queue} ${count}`)!;
    const few = rates.get(`${queue} ${jobs[0]}`)!;
    return { queue, count, rate: summarize(own), ratio: summarize(own.map((value, i) => value / few[i]!)) };
  }),
);
const columns = [
  { key: 'queue', title: 'queue' },
  { key: 'count', title: 'trainings at a time' },
  { key: 'rate', title: 'trials an hour' },
  { key: 'ratio', title: `÷ ${jobs[0]} at a time` },
];
console.log(formatTable({ columns, rows }));
console.log(
  `Medians of ${options.rounds} rounds in turns; ${availableParallelism()} processors, Node ${process.version}`,
);

/**
 * Do sweeps give the same table whatever happens? 200 trials of a tiny network on the images that come with the package, on
 * 8 workers on two machines (network namespaces where those can be made, else folders); one of them, at random, is killed
 * every few seconds and another takes its place; the server is stopped and started again twice, and the network is cut once.
 * Compared with the same sweep on one machine where nothing happens.
 *
 *     npm run bench:queue                      200 trials, 8 workers, on Debian's redis-server, then on its postgresql
 *     npm run bench:queue -- --trials 20 --workers 3 --on postgres
 *     npm run bench:queue -- --reference FOLDER             the sweep without faults of an earlier one
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../src/queue/store.js';
import type { SweepRecord } from '../src/sweep/record.js';
import { type Machine, makeMachines } from './support/machines.js';
import { ended, serverOf } from './support/servers.js';

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1]);
};
const trials = option('trials', 200);
const workers = option('workers', 8);
const on = process.argv.indexOf('--on');
const kinds = on === -1 ? ['redis', 'postgres'] : process.argv[on + 1]!.split(',');
const killEvery = option('kill-every', 5);
const serverPort = option('port', 17_379);
const proxyPort = serverPort + 1;
const folder = mkdtempSync(join(tmpdir(), 'quern-bench-queue-'));

const recipe = `
  import { adam, dense, defineRecipe, flatten, relu, sequential } from 'quern';
  export default defineRecipe({
    name: 'tiny', title: 'Tiny', dataset: 'fixture', epochs: 3, batchSize: 64, optimizer: adam({ learningRate: 0.01 }),
    parameters: { units: 8 },
    layer: ({ parameters }) => sequential([flatten(), dense(parameters.units), relu(), dense(10)]),
  });`;

function start(
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  machine?: Machine,
): ChildProcess {
  const [program, ...more] = [...(machine?.enter ?? []), process.execPath, main, ...words];
  return spawn(program!, more, {
    cwd: machine?.folder ?? folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
}

const sweepWords = (out: string) => [
  ...[
    'sweep',
    './tiny.mjs',
    '--trials',
    String(trials),
    '--seeds',
    '2',
    '--validation',
    '0.2',
    '--out',
    out,
    '--quiet',
  ],
  ...['--set', 'learningRate=log:1e-4..1e-1', '--set', 'units=4,8,16', '--set', 'batchSize=16,32,64'],
];

/** The network between workers and server, which can be cut. */
function startNetwork(machines: readonly Machine[]): { cut(seconds: number): Promise<void>; close(): void } {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(serverPort, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }).listen(proxyPort);
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    async cut(seconds) {
      whole = false;
      for (const machine of machines) machine.wire(false);
      drop();
      await wait(seconds * 1000);
      for (const machine of machines) machine.wire(true);
      whole = true;
    },
    close() {
      server.close();
      drop();
    },
  };
}

const recordOf = (out: string) =>
  JSON.parse(readFileSync(join(folder, out, 'sweep.json'), 'utf8')) as SweepRecord;

/** All that may not depend on machines. */
const tableOf = ({ trials: all, seeds, winner, importance }: SweepRecord) =>
  JSON.stringify([
    all.map(({ trial, values, epochs, validationAccuracy, validationLoss, weightsSha256, failure }) => [
      ...[trial, values, epochs, validationAccuracy, validationLoss, weightsSha256, failure],
    ]),
    seeds.map(({ seed, testAccuracy, weightsSha256 }) => [seed, testAccuracy, weightsSha256]),
    winner,
    importance,
  ]);

const say = (text: string) => console.log(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${text}`);

async function faulty(kind: string): Promise<{ seconds: number; kills: number; stored: number }> {
  const server = serverOf(kind, serverPort, folder);
  await server.start();
  const machines = makeMachines(2, mkdtempSync(join(folder, `${kind}-`)));
  for (const machine of machines) writeFileSync(join(machine.folder, 'tiny.mjs'), recipe);
  const apart = machines.every(({ enter }) => enter.length > 0);
  say(
    `${kind}: workers on two machines, ${apart ? 'network namespaces of this one' : 'which are two folders of this one'}`,
  );
  const network = startNetwork(machines);
  const worker = (number: number) => {
    const machine = machines[number % machines.length]!;
    const words = ['worker', '--jobs', '1', '--lock', '60', '--recipe', './tiny.mjs'];
    return start(words, { QUERN_QUEUE: server.url(proxyPort, machine.host) }, machine);
  };
  const crew = Array.from({ length: workers }, (_, number) => worker(number));
  const began = performance.now();
  const sweep = start(sweepWords(kind), { QUERN_QUEUE: server.url(proxyPort) });
  let complaint = '';
  sweep.stderr!.on('data', (text) => {
    complaint = String(text);
  });
  let done = false;
  const end = ended(sweep).then((code) => {
    done = true;
    return code;
  });
  let kills = 0;
  const killing = (async () => {
    while (!done) {
      await wait(killEvery * 1000);
      if (done) break;
      const at = Math.floor(Math.random() * crew.length);
      crew[at]!.kill('SIGKILL');
      crew[at] = worker(at);
      kills++;
    }
  })();
  const troubles = (async () => {
    for (const trouble of ['restart', 'cut', 'restart']) {
      await wait(option('trouble-every', 40) * 1000);
      if (done) return;
      say(trouble === 'cut' ? 'the network is cut for 10 s' : 'the server is stopped for 5 s');
      if (trouble === 'cut') await network.cut(10);
      else {
        await server.stop();
        await wait(5000);
        await server.start();
      }
    }
  })();
  const code = await end;
  const seconds = (performance.now() - began) / 1000;
  await killing;
  await troubles;
  for (const each of crew) each.kill('SIGKILL');
  network.close();
  for (const machine of machines) machine.remove();
  const store = await openStore(server.url(serverPort));
  const stored = (await store.list('results/')).length;
  await store.close();
  await server.stop();
  if (code !== 0) throw new Error(`the sweep ended with ${code}: ${complaint}`);
  return { seconds, kills, stored };
}

writeFileSync(join(folder, 'tiny.mjs'), recipe);
say(`${trials} trials in ${folder}; ${cpus().length} processors`);
const reference = process.argv.indexOf('--reference');
if (reference !== -1) symlinkSync(process.argv[reference + 1]!, join(folder, 'alone'));
else {
  const began = performance.now();
  const code = await ended(start(sweepWords('alone')));
  if (code !== 0) throw new Error(`the sweep without faults ended with ${code}`);
  say(`one machine, no faults: ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
let sound = true;
for (const kind of kinds) {
  const { seconds, kills, stored } = await faulty(kind);
  const [one, many] = [recordOf('alone'), recordOf(kind)];
  const results = many.trials.filter(({ weightsSha256 }) => weightsSha256 !== null).length;
  const wanted = readdirSync(join(folder, 'alone', 'store', 'results')).length;
  const same = tableOf(one) === tableOf(many) && stored === wanted;
  say(
    `${kind}: ${workers} workers, ${kills} killed: ${seconds.toFixed(0)} s, ${results} of ${trials} trials with a result; ${stored} of ${wanted} parts of trainings in the store`,
  );
  say(same ? 'the same table and the same weights' : 'ANOTHER TABLE');
  sound &&= same && results === trials;
}
process.exitCode = sound ? 0 : 1;

/** Sweeps as their users run them: alone, on servers with workers that die, with what strangers send. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { queueName, type TrainingDescription } from '../../src/queue/job.js';
import { openQueue } from '../../src/queue/open.js';
import { shareLock } from '../../src/runs/lock.js';
import type { SweepRecord } from '../../src/sweep/record.js';
import { absent, servers } from '../queue/servers.js';
import { suite } from '../support/suite.js';
import { inProject, main, quern, quernHere, recipeText } from './support.js';

// Of another hash each time: a server keeps what was trained before.
const recipe = recipeText(`
  title: '${randomUUID()}',
  epochs: 2, parameters: { units: 12 }, sweep: { units: [4, 8, 16] },
  layer: ({ parameters }) => sequential([flatten(), dense(parameters.units), relu(), dense(10)]),`);

const inSweep = (run: (cwd: string) => Promise<void>) =>
  inProject(async (cwd) => {
    writeFileSync(join(cwd, 'own.mjs'), recipe);
    await run(cwd);
  });

/** Three trials, one of them to the end, and one training of the best. */
const words = (out: string, trials = 3) => [
  ...['sweep', './own.mjs', '--seeds', '1', '--validation', '0.2', '--eta', '2', '--trials', `${trials}`],
  ...['--backend', 'reference', '--out', out],
];

const recordOf = (cwd: string, out: string) =>
  JSON.parse(readFileSync(join(cwd, out, 'sweep.json'), 'utf8')) as SweepRecord;

/** What must be the same on any number of machines. */
const tableOf = ({ trials, seeds, winner, importance }: SweepRecord) => ({
  trials: trials.map(({ history, processorSeconds, ...trial }) => ({
    ...trial,
    accuracies: history.map(({ validationAccuracy }) => validationAccuracy),
  })),
  seeds: seeds.map(({ seed, testAccuracy, weightsSha256 }) => ({ seed, testAccuracy, weightsSha256 })),
  winner,
  importance,
});

let alone: ReturnType<typeof tableOf> | undefined;

/** A worker in a folder of its own; it ends with the test. */
function startWorker(cwd: string, url: string, ...more: string[]): ChildProcess & { said(): string } {
  const child = spawn(
    process.execPath,
    [main, 'worker', '--jobs', '1', '--lock', '5', '--backend', 'reference', ...more],
    { cwd, env: { ...process.env, QUERN_QUEUE: url }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return Object.assign(child, { said: () => text });
}

async function until(what: () => boolean, told: () => string): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.unreachable(`it did not happen: ${told()}`);
}

const trainings = () => spawnSync('ps', ['-eo', 'ppid,args'], { encoding: 'utf8' }).stdout.split('\n');

suite('quern sweep', (test) => {
  test('tries all a little, the better one longer, and measures it; killed, the same command goes on', () =>
    inSweep(async (cwd) => {
      const begun = await quern([...words('first'), '--jobs', '1'], {
        cwd,
        onError: (text, child) => /trial-\d+: to epoch 1/.test(text) && child.kill('SIGKILL'),
      });
      assert.is(begun.code, null);
      const results = readdirSync(join(cwd, 'first', 'store', 'results')).length;
      assert.ok(results >= 1);
      const { code, stdout, stderr } = await quern([...words('first'), '--jobs', '2'], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stdout, /^trial {2}units {2}epochs {2}validation {4}loss\n/);
      assert.match(
        stdout,
        /\nbest: trial \d: units=\d+: validation \d+\.\d\d%\ntest accuracy over 1 seed: \d+\.\d\d%\nmodel of seed 0: first\/trials\/winner-000\/model\.safetensors\n/,
      );
      const record = recordOf(cwd, 'first');
      assert.equal(record.description.rungs, [1, 2]);
      assert.equal(record.trials.map(({ epochs }) => epochs).sort(), [1, 2, 2]);
      assert.equal(
        record.seeds.map(({ model }) => model),
        ['first/trials/winner-000/model.safetensors'],
      );
      const page = readFileSync(join(cwd, 'first', 'sweep.html'), 'utf8');
      assert.match(page, /<h1>tiny: a sweep over units<\/h1>/);
      assert.not.match(page, /<script|https?:\/\/(?!www\.w3\.org)/);
      for (const trial of record.trials.filter(({ epochs }) => epochs === 1)) {
        const folder = join(cwd, 'first', 'trials', `trial-00${trial.trial}`);
        if (existsSync(join(folder, 'result.json')))
          assert.is(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')).testAccuracy, null);
      }
      assert.is(readdirSync(join(cwd, 'first/store/checkpoints')).length, 3);
      alone = tableOf(record);
      const again = await quern([...words('first'), '--json'], { cwd });
      assert.equal(tableOf(JSON.parse(again.stdout) as SweepRecord), alone);
      const other = await quern([...words('first'), '--epochs', '3'], { cwd });
      assert.is(other.code, 2);
      assert.match(
        other.stderr,
        /^quern: first: it holds another sweep: rungs was \[1,2\], is \[1,2,3\]\n {2}--out takes/m,
      );
    }));

  test('one sweep at a time in a folder, by several commands; it is not removed while one runs', () =>
    inSweep(async (cwd) => {
      const path = join(cwd, 'same');
      const [one, another] = [words('same', 1), words('same', 2)];
      // killed before there is a result
      let child: ChildProcess | undefined;
      const begun = quern(one, { cwd, onStart: (started) => (child = started) });
      await until(
        () => existsSync(join(path, 'sweep.json')),
        () => 'no first record',
      );
      child!.kill('SIGKILL');
      await begun;
      assert.equal(
        recordOf(cwd, 'same').trials.map(({ state }) => state),
        ['waiting'],
      );
      const refused = async (more: string[], message: RegExp) => {
        const { code, stderr } = await quern([...another, ...more], { cwd });
        assert.is(code, 2, stderr);
        assert.match(stderr, message);
      };
      await refused([], /^quern: same: it holds another sweep: trials was 1, is 2\n {2}--out takes/m);

      let removed: ReturnType<typeof quernHere> | undefined;
      const onError = (text: string) => {
        if (/trial-000: to epoch/.test(text)) removed ??= quernHere(['runs', 'remove', path, '--yes']);
      };
      const both = await Promise.all([quern(one, { cwd, onError }), quern(one, { cwd, onError })]);
      for (const { code, stderr } of both) assert.is(code, 0, stderr);
      const { code, stderr } = (await removed)!;
      assert.is(code, 2, stderr);
      assert.match(stderr, /^quern: runs remove: .*same: it is being trained: process \d+ on /);
      assert.is(recordOf(cwd, 'same').state, 'finished');

      const share = await shareLock(path);
      await refused(
        ['--force'],
        /another sweep: trials was 1, is 2; it is running: process \d+ on .*\n {2}--out/,
      );
      await share();
      rmSync(path, { recursive: true });
      const shared = ['--store', 'shared'];
      const two = await Promise.all([one, another].map((each) => quern([...each, ...shared], { cwd })));
      assert.equal(two.map((ended) => ended.code).sort(), [0, 2], two.map((ended) => ended.stderr).join(''));
      assert.is(recordOf(cwd, 'same').description.trials, two[0]!.code === 0 ? 1 : 2);
      // others may use that store: what nothing goes on from is gone
      assert.ok(readdirSync(join(cwd, 'shared/results')).length > 1);
      assert.equal(readdirSync(join(cwd, 'shared/checkpoints')), []);
    }));

  test('wrong spaces, a missing queue and an absent server are said before anything is trained', () =>
    inSweep(async (cwd) => {
      const refused = async (more: string[], wanted: number, message: RegExp, command = words('x')) => {
        const { code, stderr } = await quern([...command, ...more], { cwd });
        assert.is(code, wanted, stderr);
        assert.match(stderr, message);
        assert.not.match(stderr, /secret/);
      };
      await refused(['--set', 'units=many'], 2, /^quern: tiny: units is a number, not "many"/);
      await refused(['--set', 'nothing=1,2'], 2, /^quern: tiny: there is no setting 'nothing'/);
      await refused(
        ['--jobs', '0'],
        2,
        /^quern: sweep: --jobs 0 leaves nobody to train: it goes with --queue/,
      );
      for (const more of [[], ['--queue', 'pglite']])
        await refused(more, 2, /^quern: worker: where the queue is is missing\n {2}Give --queue/, ['worker']);
      await refused(
        ['--queue', 'redis://me:secret@127.0.0.1:1'],
        1,
        /quern: --queue redis:\/\/127\.0\.0\.1:1: cannot be reached: .*\n {2}Is the server running/,
      );
      // nothing was begun
      assert.equal(readdirSync(join(cwd, 'x')), []);
    }));

  for (const { name, url, variable } of servers) {
    const title = `${name}: workers come, die and are refused; the table is that of one machine`;
    if (url === undefined) {
      test.unavailable(title, absent(variable));
      continue;
    }
    test(title, () =>
      inSweep(async (cwd) => {
        const secret = new URL(url).password;
        // a Quern of another version and a recipe of another hash: neither runs here
        const stranger = await openQueue({ queue: url, folder: cwd }, () => {});
        const { store } = stranger;
        const before = new Set(await store.list('results/'));
        const workers = [startWorker(cwd, url)];
        let sweeping: ChildProcess | undefined;
        const sweep = quern([...words('served'), '--threads', '1'], {
          cwd,
          environment: { QUERN_QUEUE: url },
          onStart: (child) => {
            sweeping = child;
          },
        });
        try {
          const untold = workers[0]!;
          await until(() => untold.said().includes('is not one that this worker runs'), untold.said);
          assert.match(
            untold.said(),
            /quern: worker: the file of the recipe tiny is not one that this worker runs: SHA-256 [0-9a-f]{64}\n {2}Look at the file, then start the worker with --recipe FILE\./,
          );
          const first = startWorker(cwd, url, '--recipe', './own.mjs');
          workers.push(first);
          await until(() => /trial-\d+: begun/.test(first.said()), first.said);
          const child = () => trainings().some((line) => line.trim().startsWith(`${first.pid} `));
          await until(child, first.said);
          first.kill('SIGKILL');
          await until(
            () => !trainings().some((line) => line.includes(' train ') && line.includes(cwd)),
            () => 'the training of a worker that was killed goes on',
          );
          workers.push(startWorker(cwd, url, '--recipe', './own.mjs'));
          untold.kill('SIGKILL');
          const { code, stderr, stdout } = await sweep;
          assert.is(code, 0, stderr);
          const record = recordOf(cwd, 'served');
          if (alone !== undefined) assert.equal(tableOf(record), alone);
          const results = (await store.list('results/')).filter((each) => !before.has(each));
          const own = results.map((each) => each.replace(/^results\/|-\w+\.json$/g, ''));
          assert.ok(own.length >= 6);
          const left = (await store.list('checkpoints/')).filter((each) =>
            own.some((id) => each.includes(id)),
          );
          assert.equal(left, []);
          // the worker's run folder is gone
          assert.is(record.seeds[0]!.model, 'served/models/winner-000.safetensors');
          const measure = ['evaluate', 'served/models/winner-000.safetensors', '--json'];
          const measured = await quern(measure, { cwd });
          assert.is(measured.code, 0, measured.stderr);
          assert.is(JSON.parse(measured.stdout).accuracy, record.seeds[0]!.testAccuracy);
          const seen = `${stdout}${stderr}${workers.map((each) => each.said()).join('')}${readFileSync(join(cwd, 'served', 'sweep.json'), 'utf8')}`;
          assert.ok(secret === '' || !seen.includes(secret), 'the password is nowhere');
        } finally {
          // where something failed nothing stays, which this file would wait for
          sweeping?.kill('SIGKILL');
          for (const worker of workers) worker.kill('SIGKILL');
          const {
            quern: version,
            numerics,
            backend,
          } = { quern: '0', numerics: 'x', backend: 'wasm' } satisfies Partial<TrainingDescription>;
          const queue = await stranger.connection.openQueue(queueName({ quern: version, numerics, backend }));
          await queue.close();
          await stranger.close();
        }
      }),
    );
  }
});

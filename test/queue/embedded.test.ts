/** The queue without a server: PGlite in this process, through the same code as PostgreSQL elsewhere. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Embedded, templateName } from '../../src/queue/embedded.js';
import { type OpenQueue, openQueue } from '../../src/queue/open.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

const options = (jobId: string, priority = 1, attempts = 2) => ({
  jobId,
  priority,
  attempts,
  backoff: { type: 'fixed' as const, delay: 5 },
  removeOnComplete: true as const,
});
const workerOptions = {
  concurrency: 1,
  lockDuration: 60_000,
  stalledInterval: 30_000,
  maxStalledCount: 1,
  removeOnComplete: { count: 0 },
  drainDelay: 1,
};

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (await what()) return;
    await setTimeout(20);
  }
  assert.unreachable(String(what));
}

/** A queue of this process, closed whatever comes: its thread would keep the process. */
async function withQueue(folder: string, run: (opened: OpenQueue, server: Embedded) => Promise<void>) {
  const server = new Embedded(folder);
  const faults: string[] = [];
  const opened = await openQueue({ queue: server, folder }, (message) => faults.push(message));
  try {
    await run(opened, server);
    assert.equal(faults, []);
  } finally {
    await opened.close();
    await server.close();
  }
}

/** In a folder, with `TMPDIR` as given. */
const withTemporary = async (folder: string, run: () => Promise<void>) => {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    await run();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
};

suite('the queue of a process', (test) => {
  test('jobs go by urgency, then by age, are tried again so often, and are there once', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, templateName), 'no database');
      await withQueue(folder, async ({ connection }, server) => {
        assert.is(server.started, false);
        assert.is(connection.shown, 'this process');
        const queue = await connection.openQueue('q');
        for (const [id, priority] of [
          ['a', 2],
          ['b', 2],
          ['c', 1],
          ['a', 1],
          ['withdrawn', 3],
          ['often', 4],
          ['once', 5],
        ] as const)
          await queue.add('train', id, options(id, priority));
        assert.is(await queue.remove('withdrawn'), 1);
        const seen: unknown[] = [];
        const work = async ({ data }: { data: unknown }) => {
          seen.push(data);
          if (data === 'a') assert.is(await queue.remove('a'), 0);
          if (data === 'often' || data === 'once')
            throw Object.assign(new Error(`no ${data}`), data === 'once' && { name: 'UnrecoverableError' });
        };
        const worker = await connection.openWorker('q', work, workerOptions);
        for (const id of ['often', 'once'])
          await until(async () => (await (await queue.getJob(id))?.isFailed()) === true);
        assert.equal(seen.slice(0, 3), ['c', 'a', 'b']);
        assert.equal(seen.slice(3).sort(), ['often', 'often', 'once']);
        const job = (await queue.getJob('once'))!;
        assert.is(job.failedReason, 'no once');
        await job.remove();
        for (const id of ['once', 'a']) assert.is(await queue.getJob(id), undefined);
        await worker.close();
        await queue.close();
      });
      // what was broken is made anew, and kept for the next time
      const { size, mtimeMs } = statSync(join(folder, templateName));
      assert.ok(size > 1e6);
      const temporary = join(folder, 't');
      mkdirSync(temporary);
      await withTemporary(temporary, () =>
        withQueue(folder, async ({ connection }) => {
          const queue = await connection.openQueue('q');
          assert.is(await queue.getJob('often'), undefined);
          // nobody else can enter
          assert.is(statSync(join(temporary, readdirSync(temporary)[0]!)).mode & 0o77, 0);
          await queue.close();
        }),
      );
      assert.equal(readdirSync(temporary), []);
      assert.is(statSync(join(folder, templateName)).mtimeMs, mtimeMs);
    }));

  test('one that does not start says why', () =>
    inFolder(async (folder) => {
      const refused = async (temporary: string, message: RegExp) =>
        withTemporary(temporary, async () => {
          const server = new Embedded(folder);
          const { connection } = await openQueue({ queue: server, folder }, () => {});
          const error = (await connection.openQueue('q').catch((each) => each)) as Error;
          assert.is(error.name, 'BackendError');
          assert.match(error.message, message);
          await server.close();
        });
      const long = join(folder, 'long'.repeat(20));
      mkdirSync(long);
      await refused(
        long,
        /^queue: the database in this process does not start: the path of its socket is longer than 103 bytes: .*\n {2}TMPDIR names/,
      );
      await refused(join(folder, 'absent'), /: .*absent: no folder can be made there: ENOENT/);
      const ended = new Embedded(folder);
      const url = ended.start();
      await ended.close();
      assert.match(((await url.catch((each) => each)) as Error).message, /does not start: it is ended\n/);
      assert.is(ended.started, false);
    }));

  test('what is kept is named by the versions of the packages', () => {
    const require = createRequire(import.meta.url);
    const versions = ['@electric-sql/pglite', 'bullmq'].map((name) => {
      const paths = require.resolve.paths(name)!.map((path) => join(path, name, 'package.json'));
      const path = paths.find((each) => statSync(each, { throwIfNoEntry: false }) !== undefined)!;
      return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
    });
    assert.is(templateName, `pglite-${versions[0]}-bullmq-${versions[1]}.tar.gz`);
  });
});

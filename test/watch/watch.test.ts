import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { watchText } from '../../src/cli/commands/watch/text.js';
import { LiveWriter } from '../../src/runs/live.js';
import { takeLock } from '../../src/runs/lock.js';
import { startWatchServer } from '../../src/watch/server.js';
import { readWatched, type Watched } from '../../src/watch/watched.js';
import { inProject, onReference, quern, recipeText } from '../cli/support.js';
import { suite } from '../support/suite.js';

const progress = {
  epoch: 2,
  epochs: 2,
  step: 3,
  steps: 6,
  loss: 0.5,
  accuracy: 0.75,
  learningRate: 0.1,
  imagesPerSecond: 1234,
  secondsLeft: 65,
};

/** A run that seems to be trained by this process. */
const whileTraining = (run: (cwd: string) => Promise<void>) =>
  inProject(async (cwd) => {
    writeFileSync(join(cwd, 'own.mjs'), recipeText('validation: 0.2,'));
    const { code, stderr } = await quern(
      ['train', './own.mjs', '--out', 'runs/one', '--quiet', ...onReference],
      { cwd },
    );
    assert.is(code, 0, stderr);
    for (const file of ['live.json', '.watched', 'validation.json'])
      assert.not(existsSync(join(cwd, 'runs/one', file)), `${file} stays behind`);
    rmSync(join(cwd, 'runs/one/result.json'));
    const unlock = await takeLock(join(cwd, 'runs/one'));
    try {
      await run(cwd);
    } finally {
      await unlock();
    }
  });

/** The first event of the page's stream, or the status where there is none. */
function ask(url: string, path: string, headers = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (path !== 'events' || !text.includes('\n\n')) return;
        asked.destroy();
        resolve({ status: response.statusCode!, text });
      });
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    asked.on('error', reject).end();
  });
}

suite('watching', (test) => {
  test('a training tells where it is, within epochs, and is told that it is watched', () =>
    whileTraining(async (cwd) => {
      const folder = join(cwd, 'runs/one');
      const writer = new LiveWriter(folder);
      assert.is(await writer.isWatched(), false);
      writer.progress(progress);
      const { runs, validation, sweep } = await readWatched(join(cwd, 'runs'));
      assert.is(runs.length, 1);
      assert.is(runs[0]!.name, 'one');
      assert.is(runs[0]!.state, 'running');
      assert.equal(runs[0]!.live!.progress, progress);
      assert.equal(runs[0]!.live!.points, [{ at: 1.5, loss: 0.5, accuracy: 0.75 }]);
      assert.equal([validation, sweep], [null, null]);
      assert.is(await writer.isWatched(), true);
    }));

  test('the page is shown to whoever has the token, and asks by the name of this machine', () =>
    whileTraining(async (cwd) => {
      const server = await startWatchServer(join(cwd, 'runs'), 0);
      try {
        assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
        const page = await ask(server.url, '');
        assert.is(page.status, 200);
        assert.match(page.text, /<script type="module" src="watch\/client\.js">/);
        const script = (await ask(server.url, 'watch/client.js')).text;
        assert.match(script, /new EventSource\('events'\)/);
        for (const [, path] of script.matchAll(/from '\.\.\/([^']+)'/g))
          assert.match((await ask(server.url, path!)).text, /^export function/m, path);
        const event = (await ask(server.url, 'events')).text;
        const watched = JSON.parse(event.replace(/^data: /, '').split('\n')[0]!) as Watched;
        assert.is(watched.runs[0]!.recipe, 'tiny');
        assert.is((await ask(server.url, 'other')).status, 404);
        const without = server.url.replace(/[0-9a-f]{32}/, '0'.repeat(32));
        assert.is((await ask(without, '')).status, 403);
        assert.is((await ask(server.url, '', { host: 'evil.example' })).status, 403);
        const { port } = new URL(server.url);
        await startWatchServer(cwd, Number(port)).then(
          () => assert.unreachable(),
          (error: Error) =>
            assert.match(
              error.message,
              /^watch: port \d+ of this machine cannot be used: .*EADDRINUSE.*\n {2}--port takes another/,
            ),
        );
      } finally {
        await server.close();
      }
    }));

  test('the terminal is never wider or higher than it is', () =>
    whileTraining(async (cwd) => {
      const folder = join(cwd, 'runs/one');
      const writer = new LiveWriter(folder);
      writer.progress(progress);
      const watched = await readWatched(join(cwd, 'runs'));
      const many = {
        ...watched,
        runs: Array.from({ length: 40 }, (_, i) => ({
          ...watched.runs[0]!,
          name: `a-run-with-a-very-long-name-${i}`,
        })),
      };
      for (const [width, height] of [
        [80, 24],
        [40, 10],
      ] as const) {
        const lines = watchText(many, { width, height }).split('\n');
        assert.ok(lines.length <= height, `${lines.length} lines`);
        assert.ok(lines.every((line) => line.length <= width));
      }
      const text = watchText(watched, { width: 80, height: 23 });
      assert.match(text, /\none: epoch 2 of 2, 1,234 images\/s, 1:05 left\n█{30}░{10}\n/);
      assert.match(text, /\none +running +2\/2 +75\.00% +\d+\.\d\d% +- +1:05$/);
    }));

  test('what is not there is said; without a terminal one picture is printed', () =>
    whileTraining(async (cwd) => {
      const missing = await quern(['watch', 'nowhere'], { cwd });
      assert.is(missing.code, 2);
      assert.match(missing.stderr, /^quern: watch: nowhere: there is no such folder/);
      const { stdout, code } = await quern(['watch', '--terminal'], { cwd });
      assert.is(code, 0);
      assert.match(stdout, /\none: running\n/);
    }));
});

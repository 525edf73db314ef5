import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { type DownloadProgress, type DownloadRequest, download } from '../../src/data/catalog/download.js';
import { suite } from '../support/suite.js';
import { inFolder, rejects, withServer } from './support.js';

const content = Buffer.from('the right content, and nothing else');

/** Takes `content` and nothing else. */
async function check(path: string): Promise<void> {
  if (!(await readFile(path)).equals(content)) throw new DataError('wrong content');
}

type Changes = Partial<DownloadRequest>;

/** Runs with a server whose addresses misbehave by name, and an empty folder to download into. */
function scene(
  run: (
    get: (paths: string[], changes?: Changes) => Promise<{ url: string }>,
    folder: string,
  ) => Promise<void>,
) {
  return inFolder((folder) =>
    withServer(
      (request, response) => {
        switch (request.url) {
          case '/good':
            response.writeHead(200, { 'content-length': content.length }).end(content);
            break;
          case '/unannounced':
            response.write(content.subarray(0, 7));
            response.end(content.subarray(7));
            break;
          case '/moved':
            response.writeHead(302, { location: '/good' }).end();
            break;
          case '/decoded':
            response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content));
            break;
          case '/wrong':
            response.end('something else of whatever length');
            break;
          case '/announced-long':
            response.writeHead(200, { 'content-length': 5000 }).end(Buffer.alloc(5000));
            break;
          case '/long': {
            // Without end, so that only a reader that stops by itself ever comes back.
            const write = () =>
              void (response.destroyed || response.write(Buffer.alloc(1000), () => setImmediate(write)));
            write();
            break;
          }
          case '/cut':
            response.writeHead(200, { 'content-length': 100 }).write(content, () => response.destroy());
            break;
          case '/cut-unannounced':
            response.write(content.subarray(0, 5), () => response.destroy());
            break;
          case '/stall':
            response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 5));
            break;
          case '/silent':
            break;
          default:
            response.writeHead(404).end('no such file');
        }
      },
      (base) => {
        const destination = join(folder, 'deep', 'er', 'file.bin');
        const get = (paths: string[], changes: Changes = {}) =>
          download({
            urls: paths.map((path) => base + path),
            destination,
            maximumBytes: 1000,
            check,
            ...changes,
          });
        return run(get, folder);
      },
    ),
  );
}

const held = (folder: string) =>
  existsSync(join(folder, 'deep', 'er')) ? readdirSync(join(folder, 'deep', 'er')) : [];
const read = (folder: string) => readFileSync(join(folder, 'deep', 'er', 'file.bin'));

suite('download', (test) => {
  test('a server that sends nothing is asked last for the next file', () =>
    inFolder((folder) => {
      let asked = 0;
      const silent = () => {
        asked++;
      };
      return withServer(silent, (dead) =>
        withServer(
          (_, response) => void response.end(content),
          async (good) => {
            for (const name of ['a', 'b', 'c']) {
              const destination = join(folder, name);
              const urls = [`${dead}${name}`, `${good}${name}`];
              const { url } = await download({
                ...{ urls, destination, maximumBytes: 100, check, stallMilliseconds: 1000 },
              });
              assert.is(url, urls[1]);
            }
            assert.is(asked, 1);
          },
        ),
      );
    }));

  test('a folder that cannot be there is named at once', async () => {
    const urls = ['http://127.0.0.1:1/x'];
    const getting = download({ urls, destination: '/proc/x/y/z', maximumBytes: 1, check });
    await rejects(getting, DataError, /^\/proc\/x\/y\/z: .*ENOENT/);
  });

  test('a file arrives whole, in a folder that is made for it, with progress', () =>
    scene(async (get, folder) => {
      const seen: DownloadProgress[] = [];
      const { url } = await get(['good'], { onProgress: (progress) => void seen.push(progress) });
      assert.match(url, /\/good$/);
      assert.equal(read(folder), content);
      assert.equal(held(folder), ['file.bin']);
      assert.equal(seen.at(-1), { url, bytes: content.length, total: content.length });
    }));

  test('without a length, redirected, or decoded on the way', () =>
    scene(async (get, folder) => {
      for (const path of ['unannounced', 'moved', 'decoded']) {
        const totals: unknown[] = [];
        await get([path], { onProgress: ({ total }) => void totals.push(total) });
        assert.equal(read(folder), content, path);
        assert.is(totals.at(-1), path === 'moved' ? content.length : undefined);
      }
    }));

  test('it replaces a file that was there', () =>
    scene(async (get, folder) => {
      mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
      writeFileSync(join(folder, 'deep', 'er', 'file.bin'), 'old');
      await get(['good']);
      assert.equal(read(folder), content);
    }));

  test('each failure is told by its address, and leaves nothing behind', () =>
    scene(async (get, folder) => {
      const cases: [string, RegExp][] = [
        ['wrong', /file\.bin: could not be downloaded: http:\S+\/wrong: wrong content$/],
        ['missing', /\/missing: HTTP 404$/],
        ['announced-long', /\/announced-long: too long: 5000 bytes, at most 1000 are expected$/],
        ['long', /\/long: too long: \d+ bytes, at most 1000 are expected$/],
        ['cut', /\/cut: terminated/],
        ['cut-unannounced', /\/cut-unannounced: terminated/],
      ];
      for (const [path, message] of cases) {
        const error = await rejects(get([path]), DataError, message);
        assert.instance(error.cause, AggregateError);
        assert.equal(held(folder), [], path);
      }
    }));

  test('an address that cannot be reached', () =>
    scene(async (get, folder) => {
      let dead = '';
      await withServer(
        () => {},
        async (base) => {
          dead = base;
        },
      );
      await rejects(get([], { urls: [dead] }), DataError, /fetch failed \(.*ECONNREFUSED.*\)$/);
      assert.equal(held(folder), []);
    }));

  test('the next mirror is tried, and its file is whole whatever came before', () =>
    scene(async (get, folder) => {
      const { url } = await get(['missing', 'long', 'wrong', 'cut', 'good']);
      assert.match(url, /\/good$/);
      assert.equal(read(folder), content);
      assert.equal(held(folder), ['file.bin']);
    }));

  test('when all fail, all are told', () =>
    scene(async (get) => {
      await rejects(
        get(['missing', 'wrong']),
        DataError,
        /\/missing: HTTP 404; http:\S+\/wrong: wrong content$/,
      );
      await rejects(get([]), DataError, /file\.bin: could not be downloaded: no address is known$/);
    }));

  test('a server that stops in the middle, or never begins, is given up', () =>
    scene(async (get, folder) => {
      const quick = { stallMilliseconds: 100 };
      await rejects(get(['stall'], quick), DataError, /\/stall: nothing came for 0\.1 s$/);
      await rejects(get(['silent'], quick), DataError, /\/silent: nothing came for 0\.1 s$/);
      await get(['silent', 'stall', 'good'], quick);
      assert.equal(read(folder), content);
    }));

  test('an abort ends with its reason, tries no other mirror, and leaves nothing behind', () =>
    scene(async (get, folder) => {
      class Interrupted extends Error {}
      const controller = new AbortController();
      const running = get(['stall', 'good'], {
        signal: controller.signal,
        onProgress: () => controller.abort(new Interrupted('stopped by the user')),
      });
      await rejects(running, Interrupted, /^stopped by the user$/);
      assert.equal(held(folder), []);
      await rejects(get(['good'], { signal: controller.signal }), Interrupted, /^stopped by the user$/);
      assert.equal(held(folder), []);
    }));

  test('a folder that cannot be written', () =>
    scene(async (get, folder) => {
      writeFileSync(join(folder, 'deep'), 'a file where a folder should be');
      await rejects(
        get(['good']),
        DataError,
        /file\.bin: cannot be written: (ENOTDIR: not a directory|EEXIST: file already exists)$/,
      );
    }));

  test('what killed downloads have left goes after a day', () =>
    scene(async (get, folder) => {
      const directory = join(folder, 'deep', 'er');
      mkdirSync(directory, { recursive: true });
      const yesterday = Date.now() / 1000 - 25 * 60 * 60;
      for (const [name, time] of [
        ['other.gz.17-1.partial', yesterday],
        ['other.gz.17-2.partial', Date.now() / 1000],
        ['mine.partial', yesterday],
      ] as const) {
        writeFileSync(join(directory, name), 'half');
        utimesSync(join(directory, name), time, time);
      }
      await get(['good']);
      assert.equal(held(folder).sort(), ['file.bin', 'mine.partial', 'other.gz.17-2.partial']);
    }));

  test('several at once into one place do not disturb each other', () =>
    scene(async (get, folder) => {
      await Promise.all([get(['good']), get(['unannounced']), get(['moved'])]);
      assert.equal(read(folder), content);
      assert.equal(held(folder), ['file.bin']);
    }));
});

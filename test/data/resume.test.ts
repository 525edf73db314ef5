import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { type DownloadRequest, download } from '../../src/data/catalog/download.js';
import { suite } from '../support/suite.js';
import { inFolder, rejects, withServer } from './support.js';

const content = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');

async function check(path: string): Promise<void> {
  if (!(await readFile(path)).equals(content)) throw new DataError('wrong content');
}

interface Scene {
  /** Downloads `/file`. */
  get(changes?: Partial<DownloadRequest>): Promise<{ url: string }>;
  /** What the folder holds, and the bytes of the file. */
  held(): string[];
  read(): Buffer;
  /** Leaves a part of the file, as a process of this number would have. */
  leave(part: string, process?: number): void;
  /** The ranges that were asked for. */
  ranges: (string | undefined)[];
  /** How the server behaves: it may break off after some bytes, not know ranges, or tell of a wrong one. */
  server: { cut?: number; plain?: boolean; lie?: boolean };
}

/** A process that has ended. */
const { pid: ended } = spawnSync(process.execPath, ['--version']);

function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const server: Scene['server'] = {};
  const ranges: Scene['ranges'] = [];
  return inFolder((folder) =>
    withServer(
      (request, response) => {
        const { range } = request.headers;
        ranges.push(range);
        const begin = range === undefined || server.plain ? 0 : Number(/^bytes=(\d+)-$/.exec(range)![1]);
        if (begin >= content.length) {
          response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
          return;
        }
        const part = content.subarray(begin);
        const told = `bytes ${server.lie ? begin + 1 : begin}-${content.length - 1}/${content.length}`;
        const partial = range !== undefined && !server.plain;
        response.writeHead(partial ? 206 : 200, {
          'content-length': part.length,
          ...(partial && { 'content-range': told }),
        });
        if (server.cut === undefined) response.end(part);
        else {
          response.write(part.subarray(0, server.cut));
          // What has come is read before the connection is seen to break.
          setTimeout(() => response.destroy(), 200);
        }
      },
      (base) => {
        const destination = join(folder, 'file.bin');
        return run({
          ranges,
          server,
          get: (changes = {}) =>
            download({
              urls: [`${base}file`],
              destination,
              maximumBytes: content.length,
              check,
              resume: true,
              ...changes,
            }),
          held: () => readdirSync(folder),
          read: () => readFileSync(destination),
          leave: (part, number = ended) => writeFileSync(`${destination}.${number}-1.partial`, part),
        });
      },
    ),
  );
}

suite('downloads that are resumed', (test) => {
  test('one that was cut goes on where it stopped, as often as need be', () =>
    scene(async ({ get, held, read, ranges, server }) => {
      server.cut = 10;
      await rejects(get(), DataError, /\/file: terminated/);
      await rejects(get(), DataError, /\/file: terminated/);
      assert.is(held().length, 1);
      assert.match(held()[0]!, /^file\.bin\.\d+-\d+\.partial$/);
      delete server.cut;
      const told: [number, number | undefined][] = [];
      await get({ onProgress: ({ bytes, total }) => void told.push([bytes, total]) });
      assert.equal(ranges, [undefined, 'bytes=10-', 'bytes=20-']);
      assert.equal(told, [[content.length, content.length]]);
      assert.equal(read(), content);
      assert.equal(held(), ['file.bin']);
    }));

  test('without being told to, nothing is left or taken over', () =>
    scene(async ({ get, held, leave, read, ranges, server }) => {
      server.cut = 10;
      await rejects(get({ resume: false }), DataError, /\/file: terminated/);
      assert.equal(held(), []);
      delete server.cut;
      leave('0123');
      await get({ resume: false });
      assert.equal(ranges, [undefined, undefined]);
      assert.equal(read(), content);
    }));

  test('the longest part that a killed process left is taken over, not that of one that runs', () =>
    scene(async ({ get, held, leave, read, ranges }) => {
      leave('01');
      leave('0123456', 999_999_999);
      leave('0123456789', process.ppid);
      await get();
      assert.equal(ranges, ['bytes=7-']);
      assert.equal(read(), content);
      assert.equal(
        held().sort(),
        ['file.bin', `file.bin.${ended}-1.partial`, `file.bin.${process.ppid}-1.partial`].sort(),
      );
    }));

  test('two at once do not write into one part', () =>
    scene(async ({ get, held, leave, read }) => {
      leave('0123');
      await Promise.all([get(), get(), get()]);
      assert.equal(read(), content);
      assert.equal(held(), ['file.bin']);
    }));

  test('a server that sends all of it, or another part than was asked for', () =>
    scene(async ({ get, leave, read, ranges, server }) => {
      server.plain = true;
      leave('0123');
      await get();
      assert.equal(read(), content);
      delete server.plain;
      server.lie = true;
      leave('0123');
      await get();
      assert.equal(read(), content);
      assert.equal(ranges, ['bytes=4-', 'bytes=4-', undefined]);
    }));

  test('a part of another file costs a second download, not the file', () =>
    scene(async ({ get, held, leave, read, ranges }) => {
      leave('something else');
      await get();
      assert.equal(read(), content);
      assert.equal(held(), ['file.bin']);
      assert.equal(ranges, ['bytes=14-', undefined]);
    }));

  test('a part that is whole needs only the check; one that is too long begins anew', () =>
    scene(async ({ get, leave, read, ranges }) => {
      leave(content.toString());
      await get();
      assert.equal(read(), content);
      leave(`${content}more`);
      await get();
      assert.equal(read(), content);
      assert.equal(ranges, ['bytes=36-', 'bytes=40-', undefined]);
    }));

  test('what is wrong or too long is not kept', () =>
    scene(async ({ get, held }) => {
      const wrong = async () => {
        throw new DataError('wrong content');
      };
      await rejects(get({ check: wrong }), DataError, /\/file: wrong content$/);
      assert.equal(held(), []);
      await rejects(
        get({ maximumBytes: 20 }),
        DataError,
        /\/file: too long: 36 bytes, at most 20 are expected$/,
      );
      assert.equal(held(), []);
    }));

  test('an abort keeps what there is', () =>
    scene(async ({ get, held, server, read, ranges }) => {
      server.cut = 10;
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error('stopped by the user'));
      await rejects(get({ signal: controller.signal, onProgress }), Error, /^stopped by the user$/);
      assert.is(held().length, 1);
      delete server.cut;
      await get();
      assert.equal(ranges, [undefined, 'bytes=10-']);
      assert.equal(read(), content);
    }));

  test('a folder in the way', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'file.bin'));
      writeFileSync(join(folder, 'file.bin', 'kept'), '');
      await withServer(
        (_, response) => void response.end(content),
        async (base) => {
          const destination = join(folder, 'file.bin');
          const request = { urls: [base], destination, maximumBytes: 100, check, resume: true };
          await rejects(download(request), Error, /EISDIR|ENOTEMPTY|EEXIST/);
          assert.ok(existsSync(join(destination, 'kept')));
        },
      );
    }));
});

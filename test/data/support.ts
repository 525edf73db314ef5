import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { DatasetEntry, FileEntry, Manifest } from '../../src/data/catalog/manifest.js';

const typeBytes = { uint8: 8, int32: 12 };

/** An idx file. */
export function encodeIdx(
  dtype: 'uint8' | 'int32',
  shape: readonly number[],
  data: ArrayLike<number>,
): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = typeBytes[dtype];
  header[3] = shape.length;
  shape.forEach((size, i) => void header.writeUInt32BE(size, 4 + 4 * i));
  const body = Buffer.alloc(data.length * (dtype === 'int32' ? 4 : 1));
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'int32') body.writeInt32BE(data[i]!, 4 * i);
    else body[i] = data[i]!;
  }
  return Buffer.concat([header, body]);
}

/** Runs with a folder of its own, which is gone afterwards. */
export async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-test-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs with a server on this machine; `base` is its address, ending in a slash. */
export async function withServer(
  handler: RequestListener,
  run: (base: string) => Promise<void>,
): Promise<void> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

type ErrorClass = new (...parameters: never[]) => Error;

/** The error that a promise ends with; it must be of this class, with a message that matches. */
export async function rejects(promise: Promise<unknown>, kind: ErrorClass, message: RegExp): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof kind, `an error is expected: ${error}`);
  assert.match(error.message, message);
  return error;
}

/** Like `rejects`, of something that throws at once. */
export function throws(run: () => unknown, kind: ErrorClass, message: RegExp): void {
  let error: unknown;
  try {
    run();
  } catch (reason) {
    error = reason;
  }
  assert.ok(error instanceof kind, `an error is expected: ${error}`);
  assert.match(error.message, message);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
export const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

export interface TinyFiles {
  'train-images-idx3-ubyte': Buffer;
  'train-labels-idx1-ubyte': Buffer;
  't10k-images-idx3-ubyte': Buffer;
  't10k-labels-idx1-ubyte': Buffer;
}

/** A dataset of 5 and 3 images of 2 x 2 pixels in three classes: its four files, not compressed. */
export function tinyFiles(): TinyFiles {
  const pixels = (count: number, from: number) => Array.from({ length: count * 4 }, (_, i) => from + i);
  return {
    'train-images-idx3-ubyte': encodeIdx('uint8', [5, 2, 2], pixels(5, 0)),
    'train-labels-idx1-ubyte': encodeIdx('uint8', [5], [0, 1, 2, 1, 0]),
    't10k-images-idx3-ubyte': encodeIdx('uint8', [3, 2, 2], pixels(3, 100)),
    't10k-labels-idx1-ubyte': encodeIdx('uint8', [3], [2, 0, 1]),
  };
}

/** The entry of that dataset; its files are known by their raw hashes. */
export function tinyEntry(files: TinyFiles = tinyFiles(), changes: Partial<DatasetEntry> = {}): DatasetEntry {
  const file = (name: keyof TinyFiles): FileEntry => ({ name: `${name}.gz`, rawSha256: sha256(files[name]) });
  return {
    name: 'tiny',
    title: 'Tiny',
    license: 'MIT',
    citation: 'None.',
    classes: ['a', 'b', 'c'],
    image: [2, 2, 1],
    mirrors: [],
    splits: {
      train: { count: 5, images: file('train-images-idx3-ubyte'), labels: file('train-labels-idx1-ubyte') },
      test: { count: 3, images: file('t10k-images-idx3-ubyte'), labels: file('t10k-labels-idx1-ubyte') },
    },
    ...changes,
  };
}

export function manifestOf(...entries: DatasetEntry[]): Manifest {
  return { root: '/nowhere', datasets: new Map(entries.map((entry) => [entry.name, entry])) };
}

/** Writes files into a folder, which is made; `packed` gzips them. */
export function put(folder: string, files: Partial<TinyFiles>, packed = false): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(folder, packed ? `${name}.gz` : name), packed ? gzipSync(bytes) : bytes);
  }
}

/** Datasets as the site holds them: a description, and images and labels that are fetched when they are wanted. */
import { DataError, type Dataset } from '../../browser.js';
import { tell } from '../shared/rpc.js';

/** A file of bytes, packed or not. */
interface PackedFile {
  readonly file: string;
  /** Unpacked. */
  readonly bytes: number;
  /** Of the unpacked bytes, in hexadecimal. */
  readonly sha256: string;
  readonly gzip: boolean;
}

interface PackedSplit {
  readonly count: number;
  readonly images: PackedFile;
  readonly labels: PackedFile;
}

interface PackedDataset {
  readonly name: string;
  readonly shape: readonly [number, number, number];
  readonly classes: readonly string[];
  readonly train: PackedSplit;
  readonly test: PackedSplit;
}

const here = new URL('./data/', import.meta.url);

async function fetchWithin(file: string): Promise<Response> {
  const response = await fetch(new URL(file, here)).catch((cause: unknown) => {
    throw new DataError(`${file}: it cannot be fetched: this page is offline, and has not kept it`, {
      cause,
    });
  });
  if (response.status === 503) throw new DataError((await response.text()).slice(0, 1000).trim());
  if (!response.ok)
    throw new DataError(`${file}: it cannot be fetched: the host answers ${response.status}`, {
      hint: '`quern studio --help` tells how the site gets its datasets.',
    });
  return response;
}

/** Everything that comes, with the progress of it. Hosts may have unpacked what they send, so the bytes tell. */
async function unpacked(response: Response, { file, bytes, gzip }: PackedFile): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  const body = response.body;
  if (body === null) throw new DataError(`${file}: there is nothing in it`);
  const encoded = gzip && response.headers.get('content-encoding') !== 'gzip';
  const stream = encoded ? body.pipeThrough(new DecompressionStream('gzip')) : body;
  const reader = stream.getReader();
  let done = 0;
  for (;;) {
    const { value, done: ended } = await reader.read();
    if (ended) break;
    if (done + value.length > bytes) throw new DataError(`${file}: it unpacks to more than ${bytes} bytes`);
    whole.set(value, done);
    done += value.length;
    tell({ kind: 'loading', what: file, done, total: bytes });
  }
  if (done !== bytes) throw new DataError(`${file}: truncated: ${done} bytes, not ${bytes}`);
  return whole;
}

async function fetchFile(packed: PackedFile): Promise<Uint8Array> {
  const bytes = await unpacked(await fetchWithin(packed.file), packed);
  // pages that come neither by https nor from localhost have no hashes
  if (crypto.subtle === undefined) return bytes;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== packed.sha256)
    throw new DataError(`${packed.file}: damaged: its SHA-256 is ${found}, not ${packed.sha256}`);
  return bytes;
}

/** The datasets that the site has, with a title each. */
export async function packedNames(): Promise<readonly { readonly name: string; readonly title: string }[]> {
  return (await fetchWithin('index.json')).json();
}

const descriptions = new Map<string, Promise<PackedDataset>>();

/** What the site has under a name. */
export function describePacked(name: string): Promise<PackedDataset> {
  const known = descriptions.get(name);
  if (known !== undefined) return known;
  const found = fetchWithin(`${name}.json`).then((response) => response.json() as Promise<PackedDataset>);
  descriptions.set(name, found);
  found.catch(() => descriptions.delete(name));
  return found;
}

const splits = new Map<string, Promise<Dataset>>();

async function fetchSplit(name: string, split: 'train' | 'test'): Promise<Dataset> {
  const { shape, classes, [split]: packed } = await describePacked(name);
  const [images, labels] = [await fetchFile(packed.images), await fetchFile(packed.labels)];
  return { name, split, images, labels, count: packed.count, shape, classes };
}

/** A part of a dataset, fetched once. */
export function loadPacked(name: string, split: 'train' | 'test'): Promise<Dataset> {
  const key = `${name} ${split}`;
  const known = splits.get(key);
  if (known !== undefined) return known;
  const found = fetchSplit(name, split);
  splits.set(key, found);
  found.catch(() => splits.delete(key));
  return found;
}

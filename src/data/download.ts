import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError, reasonOf } from '../core/errors.js';

export interface DownloadProgress {
  readonly url: string;
  /** Bytes received so far. */
  readonly bytes: number;
  /** All bytes, if the server told. */
  readonly total: number | undefined;
}

export interface DownloadRequest {
  /** Tried in turn until one gives what is wanted. */
  readonly urls: readonly string[];
  /** Where the file goes. It appears there whole, or not at all. */
  readonly destination: string;
  /** Anything longer is refused as soon as that is known. */
  readonly maximumBytes: number;
  /** Looks at the downloaded file, still under another name, and throws if it is not the right one. */
  check(path: string): Promise<void>;
  onProgress?(progress: DownloadProgress): void;
  readonly signal?: AbortSignal | undefined;
  /** A server that sends nothing for this long is given up, by default 30,000 milliseconds. */
  readonly stallMilliseconds?: number | undefined;
}

/** Aborts what it guards when `touch` was not called for a while. */
function stallTimer(milliseconds: number) {
  const controller = new AbortController();
  const stalled = () => controller.abort(new DataError(`nothing came for ${milliseconds / 1000} s`));
  const timer = setTimeout(stalled, milliseconds);
  return { signal: controller.signal, touch: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/** Fetches one address into a file, which it empties first. */
async function fetchInto(path: string, url: string, request: DownloadRequest): Promise<void> {
  const { maximumBytes, onProgress } = request;
  const tooLong = (bytes: number) =>
    new DataError(`too long: ${bytes} bytes, at most ${maximumBytes} are expected`);
  const stall = stallTimer(request.stallMilliseconds ?? 30_000);
  const file = await open(path, 'w');
  try {
    const signal = request.signal ? AbortSignal.any([request.signal, stall.signal]) : stall.signal;
    // The published file is gzip already; without this some servers send it unpacked.
    const response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new DataError(`HTTP ${response.status}`);
    }
    const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
    const total = length === null ? undefined : Number(length);
    if (total !== undefined && total > maximumBytes) {
      await response.body.cancel();
      throw tooLong(total);
    }
    let bytes = 0;
    for await (const chunk of response.body) {
      stall.touch();
      bytes += chunk.length;
      // Leaving the loop closes the connection.
      if (bytes > maximumBytes) throw tooLong(bytes);
      await file.writeFile(chunk);
      onProgress?.({ url, bytes, total });
    }
    await file.sync();
  } finally {
    stall.stop();
    await file.close();
  }
}

/** `fetch` hides what happened one level down: "fetch failed", because the name was not found. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  if (error instanceof DataError) return message;
  if (!(cause instanceof Error)) return reasonOf(error);
  return `${message} (${cause.message || (cause as NodeJS.ErrnoException).code})`;
}

let downloads = 0;

const dayMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Removes what downloads have left that were killed. One that is alive writes again and again, or is given up long
 * before its file is a day old.
 */
async function removeStale(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!/\.\d+-\d+\.partial$/.test(name)) continue;
    const path = join(directory, name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      // Another process has finished or removed it.
      () => Number.POSITIVE_INFINITY,
    );
    if (modified < Date.now() - dayMilliseconds) await rm(path, { force: true });
  }
}

/**
 * Downloads a file: bounded in size, checked, and put in place by a rename, so that other processes see it whole or
 * not at all. Nothing is left behind when it fails or is aborted.
 *
 * Throws DataError that tells what happened at each address, or the signal's reason after an abort.
 */
export async function download(request: DownloadRequest): Promise<{ url: string }> {
  const { destination, urls, signal } = request;
  signal?.throwIfAborted();
  const partial = `${destination}.${process.pid}-${++downloads}.partial`;
  try {
    await mkdir(dirname(destination), { recursive: true });
    // What cannot be removed is no reason not to download.
    await removeStale(dirname(destination)).catch(() => {});
    await writeFile(partial, '', { flag: 'wx' });
  } catch (cause) {
    throw new DataError(`${destination}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
  const failures: { url: string; error: unknown }[] = [];
  try {
    for (const url of urls) {
      try {
        await fetchInto(partial, url, request);
        await request.check(partial);
        await rename(partial, destination);
        return { url };
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ url, error });
      }
    }
  } finally {
    await rm(partial, { force: true });
  }
  const what = failures.map(({ url, error }) => `${url}: ${reason(error)}`).join('; ');
  throw new DataError(`${destination}: could not be downloaded: ${what || 'no address is known'}`, {
    cause: new AggregateError(failures.map(({ error }) => error)),
  });
}

import { open, truncate } from 'node:fs/promises';
import { DataError, reasonOf } from '../../core/errors.js';
import { syncFile } from '../../core/files.js';
import { makeWhole } from './partial.js';

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
  /**
   * What came before a failure, or before the process was killed, is kept for a day, and the next download into the same
   * place goes on behind it, if the server can. Default false.
   */
  readonly resume?: boolean | undefined;
  /** A server that sends nothing for this long is given up, by default 30,000 milliseconds. */
  readonly stallMilliseconds?: number | undefined;
}

class Stalled extends DataError {}

/** Servers that could not be reached, or sent nothing, by their origins: the next file asks them last. */
const unreachable = new Set<string>();

const reachableFirst = (urls: readonly string[]): string[] => {
  const last = (url: string) => (unreachable.has(new URL(url).origin) ? 1 : 0);
  return [...urls].sort((a, b) => last(a) - last(b));
};

/** Aborts what it guards when `touch` was not called for a while. */
function stallTimer(milliseconds: number) {
  const controller = new AbortController();
  const stalled = () => controller.abort(new Stalled(`nothing came for ${milliseconds / 1000} s`));
  const timer = setTimeout(stalled, milliseconds);
  return { signal: controller.signal, touch: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

/** A server's description of a part: `bytes 100-199/200`, the last number or `*`. */
const rangeForm = /^bytes (\d+)-\d+\/(\d+|\*)$/;

/** How many bytes there are in all, if the server tells. */
function totalOf({ headers }: Response): number | undefined {
  if (headers.has('content-encoding')) return undefined;
  const [, , whole] = rangeForm.exec(headers.get('content-range') ?? '') ?? [];
  const length = whole ?? headers.get('content-length') ?? '*';
  return length === '*' ? undefined : Number(length);
}

/** Asks for a file from byte `held` on. Some servers send all of it all the same: `begin` is where the answer begins. */
async function ask(url: string, held: number, signal: AbortSignal) {
  // The published file is gzip already; without this some servers send it unpacked.
  const headers = { 'accept-encoding': 'identity', ...(held > 0 && { range: `bytes=${held}-` }) };
  const response = await fetch(url, { signal, headers });
  const [, first] = rangeForm.exec(response.headers.get('content-range') ?? '') ?? [];
  const begin = held > 0 && response.status === 206 ? Number(first) : 0;
  if (held > 0 && (response.status === 416 || (begin !== 0 && begin !== held))) {
    await response.body?.cancel();
    return { begin: held, body: undefined, total: undefined };
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DataError(`HTTP ${response.status}`);
  }
  return { begin, body: response.body, total: totalOf(response) };
}

/**
 * Fetches one address into a file: behind what it holds already when that may be resumed and the server can.
 *
 * Returns whether bytes of an earlier attempt were kept.
 */
async function fetchInto(path: string, url: string, request: DownloadRequest): Promise<boolean> {
  const { maximumBytes, onProgress } = request;
  const stall = stallTimer(request.stallMilliseconds ?? 30_000);
  const file = await open(path, 'r+');
  const checkLength = async (bytes: number) => {
    if (bytes <= maximumBytes) return;
    await file.truncate(0);
    throw new DataError(`too long: ${bytes} bytes, at most ${maximumBytes} are expected`);
  };
  try {
    const signal = request.signal ? AbortSignal.any([request.signal, stall.signal]) : stall.signal;
    const held = request.resume ? (await file.stat()).size : 0;
    const { begin, body, total } = await ask(url, held, signal);
    // There is no more of it: whether it is whole already is for the check to tell.
    if (body === undefined) return true;
    let bytes = begin;
    await file.truncate(begin);
    try {
      await checkLength(total ?? 0);
      for await (const chunk of body) {
        stall.touch();
        // Leaving the loop closes the connection.
        await checkLength(bytes + chunk.length);
        await file.write(chunk, 0, chunk.length, bytes);
        bytes += chunk.length;
        onProgress?.({ url, bytes, total });
      }
    } finally {
      // A body that was not begun, or not to its end, holds the connection.
      if (!body.locked) await body.cancel();
    }
    await syncFile(file);
    return begin > 0;
  } finally {
    stall.stop();
    await file.close();
  }
}

/** Fetches and checks. What is not right is dropped; if a part of it was there before, all is fetched again. */
async function fetchWhole(path: string, url: string, request: DownloadRequest): Promise<void> {
  const resumed = await fetchInto(path, url, request);
  try {
    await request.check(path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    await truncate(path, 0);
    if (!resumed) throw error;
    await fetchWhole(path, url, request);
  }
}

/** `fetch` hides what happened one level down: "fetch failed", because the name was not found. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  if (error instanceof DataError) return message;
  if (!(cause instanceof Error)) return reasonOf(error);
  return `${message} (${cause.message || (cause as NodeJS.ErrnoException).code})`;
}

/**
 * Downloads a file: bounded in size, checked, and put in place by a rename, so that other processes see it whole or
 * not at all. Nothing is left behind when it fails or is aborted, unless it is to be resumed.
 *
 * Throws DataError that tells what happened at each address, or the signal's reason after an abort.
 */
export async function download(request: DownloadRequest): Promise<{ url: string }> {
  const { destination, urls, signal, resume = false } = request;
  signal?.throwIfAborted();
  const fetchFirst = async (partial: string) => {
    const failures: { url: string; error: unknown }[] = [];
    for (const url of reachableFirst(urls)) {
      const { origin } = new URL(url);
      try {
        await fetchWhole(partial, url, request);
        unreachable.delete(origin);
        return { url };
      } catch (error) {
        signal?.throwIfAborted();
        // what a server has answered, if only with an error, is no reason
        if (error instanceof Stalled || !(error instanceof DataError)) unreachable.add(origin);
        failures.push({ url, error });
      }
    }
    const what = failures.map(({ url, error }) => `${url}: ${reason(error)}`).join('; ');
    throw new DataError(`${destination}: could not be downloaded: ${what || 'no address is known'}`, {
      cause: new AggregateError(failures.map(({ error }) => error)),
    });
  };
  return makeWhole(destination, fetchFirst, { resume });
}

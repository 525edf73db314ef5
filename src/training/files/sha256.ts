import { UsageError } from '../../core/errors.js';
import type { Dataset } from '../../data/dataset.js';

/** Bytes that `crypto` takes: it refuses shared memory. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/**
 * The SHA-256 of bytes, in hexadecimal.
 *
 * @param what begins the error
 * @throws UsageError on a web page without a secure context, where browsers hide their hashes
 */
export async function sha256(bytes: Uint8Array, what: string): Promise<string> {
  const { subtle } = globalThis.crypto;
  if (subtle === undefined) {
    throw new UsageError(`${what}: this page has no crypto.subtle`, {
      hint: 'Browsers have it on pages that come by https or from localhost.',
    });
  }
  const digest = await subtle.digest('SHA-256', owned(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const known = new WeakMap<Dataset, Promise<string>>();

/** The SHA-256 of the hashes of a dataset's images and labels: made once for each object. */
export function hashDataset(dataset: Dataset): Promise<string> {
  let hash = known.get(dataset);
  if (hash === undefined) {
    hash = Promise.all([dataset.images, dataset.labels].map((bytes) => sha256(bytes, 'checkpoint'))).then(
      (hashes) => sha256(new TextEncoder().encode(hashes.join()), 'checkpoint'),
    );
    known.set(dataset, hash);
  }
  return hash;
}

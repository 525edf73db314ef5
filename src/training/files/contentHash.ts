import { sha256 } from '../../core/sha256.js';
import type { StoredTensor } from './safetensors.js';

const text = (value: string) => sha256('contentHash', new TextEncoder().encode(value));

/**
 * The SHA-256 of all that a safetensors file holds, whatever the order of its parts: texts by name, and tensors with their
 * names and shapes. In hexadecimal. A file whose header is sound may have other numbers than were written.
 */
export async function contentHash(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, StoredTensor>,
): Promise<string> {
  const parts = [...tensors].map(async ([name, { shape, data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return JSON.stringify([name, shape, await sha256('contentHash', bytes)]);
  });
  const texts = [...metadata].map((entry) => JSON.stringify(entry));
  return text([...texts, ...(await Promise.all(parts))].sort().join('\n'));
}

import { UsageError } from './errors.js';

/** Bytes that `crypto.subtle` takes: in one piece, not shared. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.byteLength;
  }
  return bytes;
}

/**
 * The SHA-256 of bytes, in hexadecimal; of several parts as if they were one.
 *
 * @param what begins the error
 * @throws UsageError on a web page without a secure context, where browsers hide their hashes
 */
export async function sha256(what: string, ...parts: readonly Uint8Array[]): Promise<string> {
  // Node.js hashes part by part; subtle wants a copy of all.
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (node !== undefined) {
    const hash = node.createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  }
  const { subtle } = globalThis.crypto;
  if (subtle === undefined) {
    throw new UsageError(`${what}: this page has no crypto.subtle`, {
      hint: 'Browsers have it on pages that come by https or from localhost.',
    });
  }
  const digest = await subtle.digest('SHA-256', joined(parts));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The SHA-256 of two parts, and that of both as if they were one, as `sha256` gives them; in Node.js the first is looked at
 * once.
 */
export async function sha256OfTwo(
  what: string,
  first: Uint8Array,
  second: Uint8Array,
): Promise<{ readonly first: string; readonly second: string; readonly both: string }> {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  const hashOfSecond = await sha256(what, second);
  if (node === undefined) {
    const [hashOfFirst, both] = [await sha256(what, first), await sha256(what, first, second)];
    return { first: hashOfFirst, second: hashOfSecond, both };
  }
  const hash = node.createHash('sha256').update(first);
  const hashOfFirst = hash.copy().digest('hex');
  return { first: hashOfFirst, second: hashOfSecond, both: hash.update(second).digest('hex') };
}

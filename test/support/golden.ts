/** Golden files of bits: what a computation gave when the file was written, by section (a SIMD level) and name. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostArray } from '../../src/core/dtype.js';
import { numericsOf, type SimdLevel } from '../../src/writers/wasm/simdLevel.js';

type Entry = string | number | { readonly [name: string]: Entry };
export type Entries = Readonly<Record<string, Entry>>;

/** Why the bits of a level cannot be compared on this machine; undefined where they can. */
export function incomparable(level: SimdLevel): string | undefined {
  if (level === 'baseline' || numericsOf(level) === 'fma') return undefined;
  return 'relaxed SIMD rounds twice here: this processor has no fused multiply-add';
}

/** This run writes golden files instead of comparing with them. */
const writes = process.env.QUERN_GOLDEN === 'write';

/**
 * 16 hexadecimal digits of the SHA-256 of arrays, one after the other. All NaN count as one: which bits an operation
 * gives them is left to the machine.
 */
export function hashBits(arrays: readonly HostArray[]): string {
  const hash = createHash('sha256');
  for (const array of arrays) {
    const same = array instanceof Float32Array ? withOneNaN(array) : array;
    hash.update(new Uint8Array(same.buffer, same.byteOffset, same.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}

function withOneNaN(array: Float32Array): Int32Array {
  const bits = new Int32Array(array.slice().buffer);
  array.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return bits;
}

/** The most names that an error lists. */
const listed = 10;

/**
 * Compares what was found with a section of a golden file; with QUERN_GOLDEN=write, writes the section.
 *
 * @param file inside test/, such as kernels/golden/wasm.json
 * @param command writes the file anew; errors name it
 * @throws Error naming what has other bits, is new or is gone
 */
export function checkGolden(file: string, section: string, found: Entries, command: string): void {
  const path = join(import.meta.dirname, '../../../test', file);
  const golden = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, Entries>>)
    : {};
  const known = golden[section] ?? {};
  const names = [...new Set([...Object.keys(known), ...Object.keys(found)])];
  const differs = (name: string) => JSON.stringify(known[name]) !== JSON.stringify(found[name]);
  const what = (name: string) =>
    known[name] === undefined ? 'is new' : found[name] === undefined ? 'is gone' : 'has other bits';
  const changed = names.filter(differs).map((name) => `${name} ${what(name)}`);
  if (changed.length === 0) return;
  const more = changed.length > listed ? `\n  and ${changed.length - listed} more` : '';
  const list = `${changed
    .slice(0, listed)
    .map((line) => `\n  ${line}`)
    .join('')}${more}`;
  if (!writes) throw new Error(`${file}, ${section}:${list}\nIf that is meant:\n  ${command}`);
  console.log(`    ${file}, ${section}:${list}`);
  writeFileSync(path, `${JSON.stringify({ ...golden, [section]: found }, null, 2)}\n`);
}

/** Random changes of inputs that were sound, from a seed. */

/** Uniform numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

/** What numbers in headers are when somebody means harm. */
const telling = [0, 1, 0x7f, 0x80, 0xff];

function mutateOnce(bytes: Uint8Array, random: Random): Uint8Array {
  // headers are where most is decided
  const near = random() < 0.5 ? Math.min(bytes.length, 64) : bytes.length;
  const at = below(random, Math.max(1, near));
  const length = 1 + below(random, 1 + below(random, 32));
  const copy = Uint8Array.from(bytes);
  switch (below(random, 6)) {
    case 0:
      if (copy.length > 0) copy[at]! ^= 1 << below(random, 8);
      return copy;
    case 1:
      copy.fill(pick(random, telling), at, at + Math.min(length, 8));
      return copy;
    case 2:
      return copy.slice(0, at);
    case 3: // takes a piece out
      return Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(at + length)]);
    case 4: // repeats a piece
      return Uint8Array.from([...copy.subarray(0, at + length), ...copy.subarray(at)]);
    default:
      for (let i = at; i < Math.min(copy.length, at + length); i++) copy[i] = below(random, 256);
      return copy;
  }
}

/** One change of the bytes, or a few. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = bytes;
  for (let i = 1 + below(random, 3); i > 0; i--) changed = mutateOnce(changed, random);
  return changed;
}

const values: readonly unknown[] = [
  ...[null, true, false, '', 'x', '\u001b[31m', [], {}, [[]], { a: null }],
  ...[0, -1, 1, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 53, 1e-320],
  ...['__proto__', 'NaN', 'x'.repeat(5000), Array<number>(300).fill(0)],
];

function changed(value: unknown, random: Random): unknown {
  const kind = below(random, 4);
  if (kind === 0) return pick(random, values);
  if (kind === 1 && typeof value === 'number') return value * pick(random, [-1, 0, 0.5, 2, 1e10]);
  if (kind === 2) return [value];
  return typeof value === 'string' ? value.slice(0, below(random, value.length + 1)) : pick(random, values);
}

/** JSON in which one value is another, gone or doubled. */
export function mutateJson(json: unknown, random: Random): unknown {
  if (typeof json !== 'object' || json === null || random() < 0.1) return changed(json, random);
  const entries = Object.entries(json);
  if (entries.length === 0) return changed(json, random);
  const at = below(random, entries.length);
  const [name, value] = entries[at]!;
  const kind = random();
  if (kind < 0.15) entries.splice(at, 1);
  else if (kind < 0.2) entries.push([`${name}2`, value]);
  else entries[at] = [name, mutateJson(value, random)];
  return Array.isArray(json) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}

/** WebAssembly that kernels are made of, as text: for people who look at one. Reads what `printModule` writes, and no more. */
import { at } from '../../core/lists.js';
import { constants, loads, operations, stores } from './instructions.js';

/** `i32.ltS` → `i32.lt_s`, as the standard spells it. */
const spelled = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const types: Readonly<Record<number, string>> = { 127: 'i32', 125: 'f32', 123: 'v128', 64: '' };

const byCode = new Map<string, { readonly name: string; readonly kind: 'constant' | 'access' | 'plain' }>();
for (const [table, kind] of [
  [constants, 'constant'],
  [loads, 'access'],
  [stores, 'access'],
  [operations, 'plain'],
] as const) {
  for (const [name, code] of Object.entries(table)) byCode.set(code.join(), { name, kind });
}

/** Reads bytes one after another. */
class Reader {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get ended(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return at(this.bytes, this.at++);
  }

  unsigned(): number {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte >= 0x80) continue;
      return shift < 32 && byte & 0x40 ? value | (-1 << shift) : value;
    }
  }

  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return taken;
  }

  float(): number {
    const taken = this.take(4);
    return new DataView(taken.buffer, taken.byteOffset, 4).getFloat32(0, true);
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.unsigned()));
  }
}

const control: Readonly<Record<number, string>> = {
  ...{ 2: 'block', 3: 'loop', 4: 'if', 5: 'else', 11: 'end', 12: 'br', 13: 'br_if', 16: 'call' },
  ...{ 32: 'local.get', 33: 'local.set', 63: 'memory.size' },
};

function constantOf(name: string, code: Reader): string {
  if (name === 'i32.const') return `i32.const ${code.signed()}`;
  if (name === 'f32.const') return `f32.const ${code.float()}`;
  const words = [0, 1, 2, 3].map(() => {
    const word = code.take(4);
    return new DataView(word.buffer, word.byteOffset, 4).getInt32(0, true);
  });
  return `v128.const i32x4 ${words.join(' ')}`;
}

function accessOf(name: string, code: Reader): string {
  code.unsigned(); // the hint of alignment, always 0
  const offset = code.unsigned();
  const lane = name.endsWith('Lane') ? ` ${code.byte()}` : '';
  return `${spelled(name)}${offset === 0 ? '' : ` offset=${offset}`}${lane}`;
}

/** One instruction that is neither control nor a variable's. */
function instructionOf(first: number, code: Reader): string {
  if (first === 0x1c) return `select (result ${code.list(() => types[code.byte()] ?? '?').join(' ')})`;
  if (first === 0xfc) {
    const copies = code.byte() === 0x0a;
    code.take(copies ? 2 : 1);
    return copies ? 'memory.copy' : 'memory.fill';
  }
  const start = code.at - 1;
  if (first === 0xfd) code.unsigned();
  const found = byCode.get([...code.bytes.subarray(start, code.at)].join());
  if (found === undefined) return `unknown 0x${first.toString(16)}`;
  const { name, kind } = found;
  if (kind === 'constant') return constantOf(name, code);
  if (kind === 'access') return accessOf(name, code);
  if (name === 'f32x4.extractLane') return `${spelled(name)} ${code.byte()}`;
  if (name === 'i8x16.shuffle') return `${spelled(name)} ${[...code.take(16)].join(' ')}`;
  return spelled(name);
}

/** The lines of a function's code, indented. */
function linesOf(code: Reader): string[] {
  const lines: string[] = [];
  let depth = 1;
  while (!code.ended) {
    const first = code.byte();
    const word = control[first];
    if (word === 'end' || word === 'else') depth--;
    const pad = '  '.repeat(Math.max(0, depth));
    if (word === undefined) lines.push(`${pad}${instructionOf(first, code)}`);
    else if (first <= 4) {
      code.byte();
      lines.push(`${pad}${word}`);
    } else lines.push(`${pad}${word}${first >= 12 ? ` ${code.unsigned()}` : ''}`);
    if (word === 'else' || (word !== undefined && first <= 4)) depth++;
  }
  return lines.slice(0, -1);
}

interface Signature {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

/** A module as text, a function after another. */
export function disassemble(bytes: Uint8Array): string {
  const module = new Reader(bytes);
  module.take(8);
  let signatures: Signature[] = [];
  let functions: number[] = [];
  let names: string[] = [];
  let bodies: Uint8Array[] = [];
  while (!module.ended) {
    const id = module.byte();
    const section = new Reader(module.take(module.unsigned()));
    const typeList = () => section.list(() => types[section.byte()] ?? '?');
    if (id === 1) {
      signatures = section.list(() => {
        section.take(1);
        return { parameters: typeList(), results: typeList() };
      });
    }
    if (id === 3) functions = section.list(() => section.unsigned());
    if (id === 10) bodies = section.list(() => section.take(section.unsigned()));
    if (id === 0 && section.name() === 'name') {
      section.take(1);
      section.unsigned();
      names = section.list(() => {
        section.unsigned();
        return section.name();
      });
    }
  }
  return bodies
    .map((body, i) => {
      const code = new Reader(body);
      const variables = code.list(() => [code.unsigned(), types[code.byte()] ?? '?'] as const);
      const { parameters, results } = at(signatures, at(functions, i));
      const parts = [
        parameters.length > 0 ? ` (param ${parameters.join(' ')})` : '',
        results.length > 0 ? ` (result ${results.join(' ')})` : '',
      ];
      const locals = variables.map(([count, type]) => `  (local ${Array(count).fill(type).join(' ')})`);
      return [`(func $${names[i] ?? i}${parts.join('')}`, ...locals, ...linesOf(code), ')'].join('\n');
    })
    .join('\n\n');
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { codes } from '../../../src/writers/x64/codes.js';
import { Code, type Place, type VectorForm } from '../../../src/writers/x64/encoder.js';
import { suite } from '../../support/suite.js';

const path = join(import.meta.dirname, '../../../../test/writers/x64/encodings.json');

interface Row extends VectorForm {
  readonly reg: number;
  readonly source?: number;
  readonly rm: Place;
}

const vector =
  (name: keyof typeof codes, { reg, source = 0, rm, ...form }: Row) =>
  (code: Code): void =>
    code.vector(codes[name], [reg, source, rm], form);
const integer =
  (...args: Parameters<Code['integer']>) =>
  (code: Code): void =>
    code.integer(...args);
const r15 = (displacement: number, index = 3) => ({ base: 15, index, displacement });

/** What an assembler is told, and what the encoder is. */
const rows: readonly (readonly [text: string, write: (code: Code) => void])[] = [
  ['vaddps xmm1, xmm2, xmm3', vector('add', { width: 16, reg: 1, source: 2, rm: 3 })],
  ['vaddps ymm9, ymm2, ymm13', vector('add', { width: 32, reg: 9, source: 2, rm: 13 })],
  ['vaddps zmm1, zmm2, zmm3', vector('add', { width: 64, reg: 1, source: 2, rm: 3 })],
  ['vaddps zmm31, zmm18, zmm9', vector('add', { width: 64, reg: 31, source: 18, rm: 9 })],
  ['vaddps xmm17, xmm2, xmm30', vector('add', { width: 16, reg: 17, source: 2, rm: 30 })],
  ['vsubps ymm3, ymm4, [r15+rbx+0x20]', vector('subtract', { width: 32, reg: 3, source: 4, rm: r15(32) })],
  ['vsubps zmm3, zmm4, [r15+rbx+0x40]', vector('subtract', { width: 64, reg: 3, source: 4, rm: r15(64) })],
  ['vsubps zmm3, zmm4, [r15+rbx+0x44]', vector('subtract', { width: 64, reg: 3, source: 4, rm: r15(68) })],
  [
    'vsubps zmm3, zmm4, [r15+rbx-0x2000]',
    vector('subtract', { width: 64, reg: 3, source: 4, rm: r15(-8192) }),
  ],
  ['vmovups ymm5, [r15+r9+0x1000]', vector('load', { width: 32, reg: 5, rm: r15(4096, 9) })],
  ['vmovups [r15+r9], zmm20', vector('store', { width: 64, reg: 20, rm: r15(0, 9) })],
  [
    'vmovups zmm20{k1}{z}, [r15+r9+0x40]',
    vector('load', { width: 64, reg: 20, rm: r15(64, 9), mask: 1, zero: true }),
  ],
  ['vmovups [r15+r9+0x40]{k1}, zmm2', vector('store', { width: 64, reg: 2, rm: r15(64, 9), mask: 1 })],
  ['vmaskmovps ymm1, ymm2, [r15+rbx]', vector('maskedLoad', { width: 32, reg: 1, source: 2, rm: r15(0) })],
  ['vmaskmovps [r15+rbx], ymm2, ymm1', vector('maskedStore', { width: 32, reg: 1, source: 2, rm: r15(0) })],
  ['vbroadcastss zmm7, dword ptr [r15+rbx+4]', vector('broadcastFloat', { width: 64, reg: 7, rm: r15(4) })],
  ['vbroadcastss ymm7, dword ptr [r15+rbx+4]', vector('broadcastFloat', { width: 32, reg: 7, rm: r15(4) })],
  ['vbroadcastss ymm7, xmm9', vector('broadcastFloat', { width: 32, reg: 7, rm: 9 })],
  ['vfmadd231ps ymm1, ymm2, ymm12', vector('multiplyAdd231', { width: 32, reg: 1, source: 2, rm: 12 })],
  ['vfmadd231ps zmm24, zmm27, zmm25', vector('multiplyAdd231', { width: 64, reg: 24, source: 27, rm: 25 })],
  [
    'vfmadd213ps zmm1, zmm2, [r15+rbx+0x80]',
    vector('multiplyAdd213', { width: 64, reg: 1, source: 2, rm: r15(128) }),
  ],
  ['vmovss xmm3, dword ptr [r15+rbx+8]', vector('loadScalar', { width: 16, reg: 3, rm: r15(8) })],
  ['vmovss dword ptr [r15+rbx+8], xmm19', vector('storeScalar', { width: 16, reg: 19, rm: r15(8) })],
  ['vmovsd xmm19, qword ptr [r15+rbx+8]', vector('loadDouble', { width: 16, reg: 19, rm: r15(8) })],
  ['vmovsd qword ptr [r15+rbx+8], xmm2', vector('storeDouble', { width: 16, reg: 2, rm: r15(8) })],
  ['vmovhps qword ptr [r15+rbx+8], xmm2', vector('storeHigh', { width: 16, reg: 2, rm: r15(8) })],
  [
    'vpinsrd xmm1, xmm2, dword ptr [r15+rbx+4], 3',
    vector('insertWord', { width: 16, reg: 1, source: 2, rm: r15(4), immediate: 3 }),
  ],
  [
    'vpinsrb xmm1, xmm20, byte ptr [r15+rbx+4], 7',
    vector('insertByte', { width: 16, reg: 1, source: 20, rm: r15(4), immediate: 7 }),
  ],
  [
    'vpextrd dword ptr [r15+rbx+4], xmm17, 2',
    vector('extractWord', { width: 16, reg: 17, rm: r15(4), immediate: 2 }),
  ],
  [
    'vpextrb byte ptr [r15+rbx+4], xmm1, 9',
    vector('extractByte', { width: 16, reg: 1, rm: r15(4), immediate: 9 }),
  ],
  ['vcmpltps ymm1, ymm2, ymm3', vector('compare', { width: 32, reg: 1, source: 2, rm: 3, immediate: 1 })],
  ['vcmpltps k1, zmm2, zmm30', vector('compare', { width: 64, reg: 1, source: 2, rm: 30, immediate: 1 })],
  ['vpmovm2d zmm9, k1', vector('maskToLanes', { width: 64, reg: 9, rm: 1, evex: true })],
  [
    'vpternlogd zmm1, zmm2, zmm3, 0xca',
    vector('ternary', { width: 64, reg: 1, source: 2, rm: 3, immediate: 0xca }),
  ],
  [
    'vblendvps ymm1, ymm2, ymm3, ymm12',
    vector('blend', { width: 32, reg: 1, source: 2, rm: 3, immediate: 0xc0 }),
  ],
  ['vpslld zmm1, zmm20, 23', vector('shift', { width: 64, reg: 6, source: 1, rm: 20, immediate: 23 })],
  ['vpsrad ymm1, ymm2, 5', vector('shift', { width: 32, reg: 4, source: 1, rm: 2, immediate: 5 })],
  ['vpsrld zmm1, zmm2, xmm3', vector('shiftRight', { width: 64, reg: 1, source: 2, rm: 3 })],
  ['vpmulld ymm1, ymm2, ymm3', vector('multiplyIntegers', { width: 32, reg: 1, source: 2, rm: 3 })],
  ['vpandd zmm1, zmm2, zmm3', vector('and', { width: 64, reg: 1, source: 2, rm: 3 })],
  ['vpxor ymm1, ymm2, ymm3', vector('xor', { width: 32, reg: 1, source: 2, rm: 3 })],
  ['vrndscaleps zmm1, zmm2, 9', vector('round', { width: 64, reg: 1, rm: 2, immediate: 9 })],
  ['vroundps ymm1, ymm2, 9', vector('round', { width: 32, reg: 1, rm: 2, immediate: 9 })],
  ['vcvttps2dq zmm1, zmm2', vector('truncate', { width: 64, reg: 1, rm: 2 })],
  ['vpmovzxbw ymm1, xmm2', vector('widenBytes', { width: 32, reg: 1, rm: 2 })],
  ['vmovd xmm1, r9d', vector('fromInteger', { width: 16, reg: 1, rm: 9 })],
  ['vmovd xmm21, r9d', vector('fromInteger', { width: 16, reg: 21, rm: 9 })],
  ['vpbroadcastd zmm21, xmm21', vector('broadcastWord', { width: 64, reg: 21, rm: 21 })],
  [
    'vpmovdb xmmword ptr [r15+rbx+0x10]{k1}, zmm3',
    (code) => code.vector({ ...codes.narrowToBytes, bytes: 16 }, [3, 0, r15(16)], { width: 64, mask: 1 }),
  ],
  [
    'vgatherdps ymm1, [rbx+ymm2], ymm3',
    vector('gather', {
      width: 32,
      reg: 1,
      source: 3,
      rm: { base: 3, index: 2, displacement: 0 },
      vectorIndex: true,
    }),
  ],
  [
    'vgatherdps zmm1{k1}, [rbx+zmm18]',
    vector('gather', {
      width: 64,
      reg: 1,
      rm: { base: 3, index: 18, displacement: 0 },
      mask: 1,
      vectorIndex: true,
    }),
  ],
  ['mov eax, [rsp+8]', integer([0x8b], 0, { base: 4, displacement: 8 })],
  ['mov r9d, [r13]', integer([0x8b], 9, { base: 13, displacement: 0 })],
  ['mov [r12+0x100], rbx', integer([0x89], 3, { base: 12, displacement: 256 }, { wide: true })],
  ['lea r8d, [rcx+rdx*4]', integer([0x8d], 8, { base: 1, index: 2, scale: 4, displacement: 0 })],
  [
    'imul ecx, r9d, 1000',
    (code) => {
      code.integer([0x69], 1, 9, { bytes: 4 });
      code.word(1000);
    },
  ],
  ['movzx ecx, byte ptr [r15+rbx+1]', integer([0x0f, 0xb6], 1, r15(1))],
  ['cmovb ecx, r9d', integer([0x0f, 0x42], 1, 9)],
  ['cmp ecx, 100', (code) => code.withConstant(7, 1, 100)],
  ['cmp r14d, 1000', (code) => code.withConstant(7, 14, 1000)],
  ['sub rsp, 128', (code) => code.withConstant(5, 4, 128, true)],
  ['mul r9', integer([0xf7], 4, 9, { wide: true })],
  [
    'shlx ecx, r9d, ebx',
    (code) => code.vector({ map: 2, prefix: 1, opcode: 0xf7 }, [1, 3, 9], { width: 16 }),
  ],
  ['vmovmskps ecx, ymm5', vector('signs', { width: 32, reg: 1, rm: 5 })],
  ['vmovmskps r9d, xmm12', vector('signs', { width: 16, reg: 9, rm: 12 })],
  ['vpmovd2m k1, zmm20', vector('signsToMask', { width: 64, reg: 1, rm: 20, evex: true })],
  ['vpmovd2m k1, xmm3', vector('signsToMask', { width: 16, reg: 1, rm: 3, evex: true })],
  ['kmovw r9d, k1', vector('fromMask', { width: 16, reg: 9, rm: 1 })],
  ['push r12', (code) => code.stack(0x50, 12)],
  ['pop rbx', (code) => code.stack(0x58, 3)],
  ['mov r10d, 70000', (code) => code.moveConstant(10, 70000)],
];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The bytes that the GNU assembler gives each text. */
function assemble(): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-as-'));
  try {
    const [source, object, binary] = ['a.s', 'a.o', 'a.bin'].map((name) => join(folder, name));
    const bytesOf = (text: string) => {
      writeFileSync(source!, `.intel_syntax noprefix\n${text}\n`);
      execFileSync('as', ['-o', object!, source!]);
      execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object!, binary!]);
      return hex(readFileSync(binary!));
    };
    return Object.fromEntries(rows.map(([text]) => [text, bytesOf(text)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The file holds what the GNU assembler 2.40 gave for each text; with it and objcopy at hand it is made anew by
 *
 *     QUERN_GOLDEN=write node dist/test/writers/x64/encodings.test.js
 */
suite('x64 encodings', (test) => {
  if (process.env.QUERN_GOLDEN === 'write') writeFileSync(path, `${JSON.stringify(assemble(), null, 2)}\n`);
  const expected = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  test('every row is in the file', () => {
    assert.equal(
      Object.keys(expected),
      rows.map(([text]) => text),
    );
  });
  for (const [text, write] of rows) {
    test(text, () => {
      const code = new Code();
      write(code);
      assert.is(hex(code.finish()), expected[text]);
    });
  }
});

import * as assert from 'uvu/assert';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i32,
  i32x4,
  type KernelRun,
  type Local,
  ModuleBuilder,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { disassemble } from '../../../src/writers/wasm/disassemble.js';
import { suite } from '../../support/suite.js';
import { instantiate } from './harness.js';

type Write = (f: FunctionBuilder, begin: Local<'i32'>, end: Local<'i32'>) => void;

function written(write: Write): ModuleBuilder {
  const module = new ModuleBuilder({ simd: 'baseline', shared: false, fences: false });
  module.kernel([], (f, p) => write(f, p.begin, p.end));
  return module;
}

/** The lines of the module's only function. */
const linesOf = (write: Write): string[] => disassemble(written(write).bytes()).split('\n');
const depthOf = (line: string) => line.search(/\S/);
const constantsIn = (lines: readonly string[]) => lines.filter((line) => line.includes('v128.const'));

/** In float32 at `index`: what was there, times 3, plus 0.5, twice. */
function scale(f: FunctionBuilder, at: I32): void {
  const address = f.let(i32.mul(at, 16));
  const scaled = f.let(f32x4.add(f32x4.mul(v128.load(address), f32x4.const(3)), f32x4.const(0.5)));
  f.store(address, f32x4.add(f32x4.mul(scaled, f32x4.const(3)), f32x4.const(0.5)));
}

suite('assembler: constants of loops', (test) => {
  test('each stands once before the outermost loop, in a variable', () => {
    const lines = linesOf((f, begin, end) => {
      f.loop(begin, end, 1, () => f.loop(begin, end, 1, (i) => scale(f, i)));
    });
    const loop = lines.findIndex((line) => line.trim() === 'loop');
    assert.is(constantsIn(lines).length, 2);
    assert.equal(constantsIn(lines.slice(loop)), []);
    assert.is(lines.filter((line) => line.includes('memory.size')).length, 1);
    // three vectors more: zeros, and the two constants
    assert.match(lines.find((line) => line.includes('v128 v128 v128'))!, /^ {2}\(local v128 v128 v128/);
  });

  test('two loops one behind the other share the variable, which each sets', () => {
    const lines = linesOf((f, begin, end) => {
      for (let i = 0; i < 2; i++) f.loop(begin, end, 1, (at) => f.store(at, f32x4.const(3)));
    });
    const constants = constantsIn(lines);
    assert.is(constants.length, 2);
    assert.is(new Set(constants).size, 1);
    const sets = lines.flatMap((line, i) => (line.includes('v128.xor') ? [lines[i + 1]!.trim()] : []));
    assert.is(sets.length, 2);
    assert.is(new Set(sets).size, 1);
  });

  test('all bits clear or set stay where they are, and so does what stands in no loop', () => {
    const plain = linesOf((f, begin, end) => {
      f.store(64, f32x4.const(7));
      f.loop(begin, end, 1, (at) => {
        f.store(at, v128.and(v128.load(at), i32x4.const(-1)));
        f.store(at, f32x4.add(v128.load(at), f32x4.const(0)));
      });
    });
    assert.ok(!plain.some((line) => line.includes('memory.size') || line.includes('v128.xor')));
    const [outside, ...inside] = constantsIn(plain);
    assert.is(inside.length, 2);
    assert.ok(inside.every((line) => depthOf(line) > depthOf(outside!)));
  });

  test('the results are those of the constants, in loops of any number of turns', () => {
    for (const turns of [0, 1, 5]) {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const values = new Float32Array(memory.buffer, 0, 24);
      values.fill(2);
      const module = written((f, begin, end) => {
        f.loop(begin, end, 1, (i) => scale(f, i));
        f.store(160, f32x4.const(3));
        f.if(i32.gtU(end, i32.const(4)), () =>
          f.loop(0, end, 1, (i) => f.store(i32.mul(i, 16), f32x4.const(-3), 256)),
        );
      });
      (instantiate(module, memory).run as KernelRun)(0, turns);
      const expected = [...values].map((_, i) => (i < 4 * turns ? (2 * 3 + 0.5) * 3 + 0.5 : 2));
      assert.equal([...values], expected);
      assert.is(new Float32Array(memory.buffer)[40], 3);
      assert.is(new Float32Array(memory.buffer)[64], turns > 4 ? -3 : 0);
    }
  });
});

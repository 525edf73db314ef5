import * as assert from 'uvu/assert';
import { BackendError } from '../../../src/core/errors.js';
import {
  f32x4,
  type I32,
  i32,
  i32x4,
  ModuleBuilder,
  select,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { FunctionBuilder } from '../../../src/writers/wasm/function.js';
import { allocate } from '../../../src/writers/x64/allocate.js';
import { sharedObject } from '../../../src/writers/x64/elf.js';
import { Code } from '../../../src/writers/x64/encoder.js';
import { Bank } from '../../../src/writers/x64/frame.js';
import { livesOf } from '../../../src/writers/x64/intervals.js';
import { printX64 } from '../../../src/writers/x64/module.js';
import { suite } from '../../support/suite.js';

type Body = (
  f: FunctionBuilder,
  p: Record<'a' | 'out' | 'begin' | 'end', ReturnType<typeof i32.const>>,
) => void;

/** The code of a kernel of the pointers a and out. */
function print(body: Body, lanes = 8, level: 'avx2' | 'avx512' = 'avx2'): Uint8Array {
  const machine = {
    level,
    lanes,
    print: (functions: Parameters<typeof printX64>[0]) => printX64(functions, level),
  };
  const module = new ModuleBuilder({ simd: 'relaxed', shared: true, machine });
  module.kernel(['a', 'out'], body as never);
  return module.bytes();
}

/** A function of one vector, which it stores. */
function withVector() {
  const f = new FunctionBuilder(['v128'], 'relaxed', false);
  f.store(0, f.parameter(0, 'v128'));
  return f.finish(undefined);
}

suite('x64 modules', (test) => {
  test('what has no machine code is told with the function', () => {
    const shuffled = (v: V128) => i32x4.shuffle(v, v, [2, 3, 0, 1]);
    assert.throws(
      () => print((f, p) => f.store(p.out, shuffled(v128.load(p.a)))),
      (error: Error) =>
        error instanceof BackendError &&
        error.message === 'x64: run cannot be written: x64: a shuffle has vectors of 128 bits',
    );
    assert.throws(
      () => print((f, p) => f.store(p.out, select(p.begin, v128.load(p.a), v128.load(p.a)))),
      /^x64: run cannot be written: x64: no code for select$/,
    );
    const body = { ...withVector(), name: 'run', exported: true };
    assert.throws(
      () => printX64([body], 'avx2'),
      /^x64: run cannot be written: x64: parameters are integers: got v128$/,
    );
  });

  test('what has no encoding', () => {
    const memory = { base: 0, displacement: 2 ** 31 };
    assert.throws(
      () => new Code().integer([0x8b], 0, memory),
      /^x64: a displacement must be an integer of 32 bits: got 2147483648$/,
    );
    const bank = new Bank();
    bank.settle([], []);
    bank.begin(0);
    assert.throws(() => bank.take(), /^x64: no register is left for a temporary value$/);
  });

  test('more lanes than a vector has are no vectors of WebAssembly', () => {
    const module = new ModuleBuilder({ simd: 'relaxed', shared: true });
    module.kernel(['a', 'out'], (f, p) => f.store(p.out, v128.loadLanes(p.a, 8)));
    assert.throws(() => module.bytes(), /^assembler: a vector of WebAssembly has 4 lanes: got 8$/);
  });

  test('a tile of twelve sums fits sixteen registers, one of twenty goes through the stack', () => {
    const tile =
      (count: number): Body =>
      (f, p) => {
        const sums = Array.from({ length: count }, () => f.let(f32x4.const(0)));
        f.loop(p.begin, p.end, 1, () => {
          const left = f.let(v128.load32Splat(p.a));
          for (const [k, sum] of sums.entries()) f.set(sum, f.multiplyAdd(left, v128.load(p.a, 32 * k), sum));
        });
        for (const [k, sum] of sums.entries()) f.store(p.out, sum, 32 * k);
      };
    // a store of 256 bits to the stack: VEX, 0F 11, base rsp
    const spills = (code: Uint8Array) =>
      code.reduce(
        (count, byte, at) =>
          count +
          Number(
            byte === 0x11 &&
              (code[at - 2] === 0xc5 || code[at - 3] === 0xc4) &&
              (code[at + 1]! & 7) === 4 &&
              code[at + 2] === 0x24,
          ),
        0,
      );
    assert.is(spills(print(tile(12))), 0);
    assert.ok(spills(print(tile(20))) > 0);
  });

  test('a displacement is counted in the bytes of the operand only where it is a multiple', () => {
    const lengths = [64, 68, 128 * 64].map((displacement) => {
      const code = new Code();
      const rm = { base: 15, displacement };
      code.vector({ map: 1, prefix: 0, opcode: 0x10 }, [1, 0, rm], { width: 64 });
      return code.length;
    });
    assert.equal(lengths, [7, 10, 10]);
  });
});

suite('x64 registers', (test) => {
  const lives = (body: Body) => {
    const module = new ModuleBuilder({
      ...{ simd: 'relaxed', shared: true },
      machine: {
        ...{ level: 'avx2', lanes: 8 },
        print(functions) {
          found = livesOf(functions[0]!);
          return new Uint8Array();
        },
      },
    });
    let found: ReturnType<typeof livesOf> | undefined;
    module.kernel(['a', 'out'], body as never);
    module.bytes();
    return found!.intervals;
  };

  test('what every turn of a loop sets lives in the turn, what comes from before lives through the loop', () => {
    const intervals = lives((f, p) => {
      const kept = f.let(i32.add(p.a, 4)); // variable 4
      f.loop(p.begin, p.end, 1, () => {
        const turn = f.let(i32.load(kept)); // variable 6, behind the counter
        f.store(p.out, i32.add(turn, 1));
      });
    });
    const of = (variable: number) => intervals.find((interval) => interval.variable === variable)!;
    const [kept, turn] = [of(4), of(6)];
    assert.ok(kept.to > turn.to, 'the loop goes on behind the last use');
    assert.ok(turn.from > kept.from);
    assert.not(turn.zeroed);
  });

  test('a variable that is read before it is set is zero at the start', () => {
    const intervals = lives((f, p) => {
      const sum = f.local('i32');
      f.loop(p.begin, p.end, 1, () => f.set(sum, i32.add(sum, 1)));
      f.store(p.out, sum);
    });
    assert.ok(intervals.some(({ variable, zeroed, from }) => variable === 4 && zeroed && from === 0));
  });

  test('the least used goes to memory', () => {
    const interval = (variable: number, weight: number) => ({
      variable,
      from: 1,
      to: 3,
      weight,
      zeroed: false,
    });
    const { registers, spilled } = allocate(
      [interval(0, 5), interval(1, 1), interval(2, 9)],
      [3, 5, 6],
      { count: 4, enough: undefined, exact: (at) => (at === 2 ? 1 : 0) },
      new Set(),
    );
    assert.equal([...spilled], [1]);
    assert.equal(registers, [3, undefined, 6]);
  });
});

suite('x64 registers that statements need', (test) => {
  /** Numbers from 0 to 1, the same every time. */
  function numbers(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  /** Trees of all kinds of instructions over variables that outnumber the registers. */
  function crowded(seed: number): Body {
    const random = numbers(seed);
    const whole = (below: number) => Math.floor(random() * below);
    const pick = <T>(items: readonly T[]): T => items[whole(items.length)]!;
    return (f, p) => {
      const integers = [
        p.a,
        p.out,
        p.begin,
        p.end,
        ...Array.from({ length: 9 }, (_, k) => f.let(i32.load(p.a, 4 * k))),
      ];
      const vectors = Array.from({ length: 8 + whole(30) }, (_, k) => f.let(v128.load(p.a, 64 * k)));
      const integer = (depth: number): I32 => {
        if (depth === 0 || random() < 0.2) return random() < 0.2 ? i32.const(whole(99)) : pick(integers);
        const next = () => integer(depth - 1);
        return pick([
          () => i32.add(next(), i32.mul(next(), 4)),
          () => i32.sub(next(), next()),
          () => i32.mul(next(), next()),
          () => i32.and(next(), 12),
          () => i32.shl(next(), next()),
          () => i32.divU(next(), i32.const(7)),
          () => i32.divU(next(), next()),
          () => i32.load(next(), 8),
          () => select(i32.ltU(next(), next()), next(), next()),
          () => i32.eqz(i32.ne(next(), next())),
          () => i32x4.bitmask(vector(depth - 1)),
        ])();
      };
      const vector = (depth: number): V128 => {
        if (depth === 0 || random() < 0.2) return pick(vectors);
        const next = () => vector(depth - 1);
        return pick([
          () => f.multiplyAdd(next(), next(), next()),
          () => f32x4.add(next(), next()),
          () => f32x4.sub(next(), v128.load(integer(depth - 1), 32)),
          () => f32x4.pmax(next(), next()),
          () => f32x4.min(next(), next()),
          () => f32x4.max(next(), 0.5),
          () => f32x4.abs(next()),
          () => f32x4.sqrt(next()),
          () => v128.bitselect(next(), next(), f32x4.lt(next(), next())),
          () => f32x4.relaxedLaneselect(next(), next(), f32x4.gt(next(), 0)),
          () => i32x4.shl(next(), integer(depth - 1)),
          () => i32x4.shrU(next(), 3),
          () => i32x4.geS(next(), next()),
          () => i32x4.neg(next()),
          () => i32x4.truncSatF32x4S(next()),
          () => f32x4.convertI32x4S(next()),
          () => i32x4.splat(integer(depth - 1)),
          () => v128.load32Splat(integer(depth - 1), 4),
          () => v128.loadLanes(integer(depth - 1), 5 + whole(3)),
          () => v128.gather(integer(depth - 1), { lanes: 7, stride: 12 }),
        ])();
      };
      f.loop(p.begin, p.end, 1, () => {
        for (let statement = 0; statement < 12; statement++) {
          if (random() < 0.6) f.set(pick(vectors), vector(4));
          else if (random() < 0.5) f.storeLanes(integer(2), vector(3), 3 + whole(5));
          else f.if(integer(3), () => f.set(pick(vectors), vector(2)));
        }
      });
      for (const one of vectors) f.store(p.out, one);
      for (const one of integers) f.store(p.out, one);
    };
  }

  for (const [level, lanes] of [
    ['avx2', 8],
    ['avx512', 16],
  ] as const) {
    test(`${level}: never more than are counted`, () => {
      for (let seed = 1; seed <= 150; seed++)
        assert.ok(print(crowded(seed), lanes, level).length > 0, `${seed}`);
    });
  }
});

suite('shared objects', (test) => {
  const bytes = sharedObject(Uint8Array.from([0xc3]), { run: 0 });
  const view = new DataView(bytes.buffer);
  const headers = Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = 64 + 56 * index;
    return { type: view.getUint32(at, true), flags: view.getUint32(at + 4, true) };
  });

  test('nothing is writable and executable, the stack is not executable', () => {
    assert.equal(headers, [
      { type: 1, flags: 4 },
      { type: 1, flags: 5 },
      { type: 1, flags: 6 },
      { type: 2, flags: 6 },
      { type: 0x6474e551, flags: 6 },
    ]);
  });

  test('ELF of 64 bits for x86-64, code on a page of its own', () => {
    assert.is(Buffer.from(bytes.subarray(0, 4)).toString('latin1'), '\x7fELF');
    assert.is(view.getUint16(18, true), 62);
    assert.is(bytes[4096], 0xc3);
  });
});

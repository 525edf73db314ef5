import * as assert from 'uvu/assert';
import {
  type FunctionBuilder,
  f32x4,
  type I32,
  i8x16,
  i32,
  i32x4,
  type KernelRun,
  type Local,
  ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { fencesHelp, majorV8 } from '../../../src/writers/wasm/fences.js';
import { numericsOf, type SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { suite } from '../../support/suite.js';
import { best, evaluate, instantiate } from './harness.js';

/** Runs code that appends numbers to a list in memory, and returns the list. */
function trace(
  code: (
    f: FunctionBuilder,
    note: (value: I32 | number) => void,
    begin: Local<'i32'>,
    end: Local<'i32'>,
  ) => void,
  begin = 0,
  end = 0,
): number[] {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new ModuleBuilder({ simd: 'baseline', shared: false, fences: true });
  module.kernel([], (f, p) => {
    const next = f.let(i32.const(4));
    const note = (value: I32 | number) => {
      f.store(next, typeof value === 'number' ? i32.const(value) : value);
      f.increase(next, 4);
      f.store(0, next);
    };
    code(f, note, p.begin, p.end);
  });
  (instantiate(module, memory).run as KernelRun)(begin, end);
  const words = new Int32Array(memory.buffer);
  return [...words.slice(1, Math.max(4, words[0]!) / 4)];
}

suite('assembler: control', (test) => {
  test('a loop counts from its first to before its last, in steps', () => {
    assert.equal(
      trace((f, note) => f.loop(3, 11, 4, note)),
      [3, 7],
    );
    assert.equal(
      trace((f, note) => f.loop(3, 12, 4, note)),
      [3, 7, 11],
    );
    assert.equal(
      trace((f, note, begin, end) => f.loop(begin, end, 2, note), 5, 10),
      [5, 7, 9],
    );
    assert.equal(
      trace((f, note, begin) => f.loop(begin, 7, 1, note), 5),
      [5, 6],
    );
    assert.equal(
      trace((f, note, _, end) => f.loop(0, i32.add(end, 1), 1, note), 0, 1),
      [0, 1],
    );
  });
  test('a loop of no turns does nothing, of one turn needs no counter', () => {
    assert.equal(
      trace((f, note) => f.loop(4, 4, 1, note)),
      [],
    );
    assert.equal(
      trace((f, note) => f.loop(5, 4, 1, note)),
      [],
    );
    assert.equal(
      trace((f, note, begin, end) => f.loop(begin, end, 1, note), 9, 9),
      [],
    );
    assert.equal(
      trace((f, note, begin, end) => f.loop(begin, end, 1, note), 9, 2),
      [],
    );
    assert.equal(
      trace((f, note) =>
        f.loop(8, 12, 4, (counter) => {
          assert.is(counter.constant, 8);
          note(counter);
        }),
      ),
      [8],
    );
  });
  test('counters are unsigned: addresses above 2 GiB count on', () => {
    const from = 2 ** 31 - 4;
    assert.equal(
      trace((f, note, begin) => f.loop(begin, i32.add(begin, 12), 4, note), from),
      [from, from + 4, from + 8].map((x) => x | 0),
    );
  });
  test('loops nest, and variables keep their values between turns', () => {
    const pairs = trace((f, note) =>
      f.loop(0, 2, 1, (i) => f.loop(0, 3, 1, (j) => note(i32.add(i32.mul(i, 10), j)))),
    );
    assert.equal(pairs, [0, 1, 2, 10, 11, 12]);
    const sums = trace((f, note) => {
      const sum = f.local('i32');
      f.loop(1, 5, 1, (i) => f.set(sum, i32.add(sum, i)));
      note(sum);
    });
    assert.equal(sums, [10]);
  });
  test('if and else', () => {
    const choose = (value: number) =>
      trace(
        (f, note, begin) =>
          f.if(
            i32.gtS(begin, i32.const(2)),
            () => note(1),
            () => note(2),
          ),
        value,
      );
    assert.equal([choose(3), choose(2)], [[1], [2]]);
    const only = (value: number) => trace((f, note, begin) => f.if(begin, () => note(1)), value);
    assert.equal([only(1), only(0)], [[1], []]);
    assert.equal(
      trace((f, note) =>
        f.if(
          i32.const(1),
          () => note(1),
          () => note(2),
        ),
      ),
      [1],
    );
    assert.equal(
      trace((f, note) =>
        f.if(
          i32.const(0),
          () => note(1),
          () => note(2),
        ),
      ),
      [2],
    );
    assert.equal(
      trace((f, note) => f.if(i32.const(0), () => note(1))),
      [],
    );
  });
  test('while, block, forever and branches across levels', () => {
    const halves = trace(
      (f, note, begin) =>
        f.while(begin, () => {
          note(begin);
          f.set(begin, i32.shrU(begin, i32.const(1)));
        }),
      5,
    );
    assert.equal(halves, [5, 2, 1]);
    const found = trace(
      (f, note, begin) =>
        f.block((leave) => {
          f.forever((again) => {
            f.if(i32.eq(begin, i32.const(3)), () => f.branch(leave));
            note(begin);
            f.increase(begin, 1);
            f.branchIf(again, i32.ltU(begin, i32.const(10)));
          });
          note(99);
        }),
      1,
    );
    assert.equal(found, [1, 2]);
  });
  test('let evaluates once, an expression is evaluated where it is used', () => {
    const values = trace((f, note, begin) => {
      const later = i32.add(begin, 1);
      const now = f.let(later);
      f.set(begin, 10);
      note(now);
      note(later);
    }, 1);
    assert.equal(values, [2, 11]);
  });
  test('variables of every type, grouped by type', () => {
    const value = evaluate({ x: 'f32' }, [2], ({ x }, f) => {
      const a = f.local('v128');
      const b = f.local('f32');
      const c = f.local('v128');
      f.set(a, f32x4.splat(x));
      f.set(b, 0.5);
      f.set(c, f32x4.mul(a, f32x4.splat(b)));
      return f32x4.extractLane(f32x4.add(c, a), 3);
    });
    assert.is(value, 3);
  });
  test('fences change nothing, however many there are', () => {
    const values = trace((f, note, begin) => {
      f.block(() => {
        for (let value = 0; value < 300; value++) {
          if (value % 100 === 0) note(value);
          f.fence(begin);
        }
      });
      note(1);
    }, -400);
    assert.equal(values, [0, 100, 200, 1]);
  });
  test('functions call functions', () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const module = new ModuleBuilder({ simd: 'baseline', shared: false });
    const put = module.function('put', { at: 'i32', value: 'v128' }, (f, { at, value }) =>
      f.store(at, value),
    );
    const twice = module.function('twice', { at: 'i32' }, (f, { at }) => {
      f.call(put, at, i32x4.const(3));
      f.call(put, i32.add(at, 16), i32x4.const(4));
    });
    module.kernel(['out'], (f, { out }) => f.call(twice, out));
    (instantiate(module, memory).run as KernelRun)(32, 0, 0);
    assert.equal([...new Int32Array(memory.buffer, 32, 9)], [3, 3, 3, 3, 4, 4, 4, 4, 0]);
  });
  test('multiplyAdd follows the level of the module', () => {
    // (1 + 2⁻¹²)² - 1 = 2⁻¹¹ + 2⁻²⁴, whose last term is lost where the square is rounded first.
    const value = (simd: SimdLevel) =>
      evaluate(
        { x: 'f32' },
        [1 + 2 ** -12],
        ({ x }, f) => f32x4.extractLane(f.multiplyAdd(f32x4.splat(x), f32x4.splat(x), -1), 0),
        simd,
      );
    assert.is(value('baseline'), 2 ** -11);
    assert.is(value(best), numericsOf(best) === 'fma' ? 2 ** -11 + 2 ** -24 : 2 ** -11);
  });
  test('the relaxed instructions add to a product, choose whole lanes', () => {
    const lane = (expression: V128) => evaluate({}, [], () => f32x4.extractLane(expression, 0), best);
    assert.is(lane(f32x4.relaxedMadd(f32x4.const(2), f32x4.const(3), f32x4.const(10))), 16);
    const mask = (truth: number) => i32x4.const(-truth);
    assert.is(lane(f32x4.relaxedLaneselect(f32x4.const(2), f32x4.const(3), mask(1))), 2);
    assert.is(lane(f32x4.relaxedLaneselect(f32x4.const(2), f32x4.const(3), mask(0))), 3);
  });
  test('swizzles take bytes from places, and 0 from places that are not there', () => {
    const numbers = [0x03020100, 0x13121110, 0x23222120, 0x33323130];
    const places = i32x4.constLanes(0x07060504, 0x000c0804, -1, 0x800f0f0f | 0);
    const taken = [0x13121110, 0x00302010, 0, 0x00333333];
    const lanes = (take: (a: V128, b: V128) => V128, simd: SimdLevel) =>
      [0, 1, 2, 3].map((lane) =>
        evaluate(
          {},
          [],
          () => f32x4.extractLane(f32x4.convertI32x4S(take(i32x4.constLanes(...numbers), places)), lane),
          simd,
        ),
      );
    const expected = taken.map((value) => Math.fround(value));
    assert.equal(lanes(i8x16.swizzle, 'baseline'), expected);
    if (best === 'relaxed') assert.equal(lanes(i8x16.relaxedSwizzle, best), expected);
  });
});

suite('assembler: modules', (test) => {
  const copies = (options: { shared: boolean }) => {
    const module = new ModuleBuilder({ simd: 'baseline', ...options });
    module.kernel(['from', 'to'], (f, p) => f.store(p.to, v128.load(p.from)));
    return module;
  };
  test('the exported run takes the pointers in order, then begin and end', () => {
    const module = new ModuleBuilder({ simd: 'baseline', shared: false });
    module.kernel(['a', 'b'], (f, p) => {
      for (const [index, local] of [p.a, p.b, p.begin, p.end].entries()) f.store(4 * index, local);
    });
    const memory = new WebAssembly.Memory({ initial: 1 });
    (instantiate(module, memory).run as KernelRun)(11, 22, 33, 44);
    assert.equal([...new Int32Array(memory.buffer, 0, 4)], [11, 22, 33, 44]);
  });
  test('memories: shared ones and others are told apart', () => {
    const plain = new WebAssembly.Memory({ initial: 2, maximum: 3 });
    const shared = new WebAssembly.Memory({ initial: 2, maximum: 3, shared: true });
    instantiate(copies({ shared: false }), plain);
    instantiate(copies({ shared: true }), shared);
    assert.throws(() => instantiate(copies({ shared: true }), plain), /shared/);
    assert.throws(() => instantiate(copies({ shared: false }), shared), /shared/);
  });
  test('functions carry their names, for profilers', () => {
    const module = copies({ shared: false });
    module.function('tile_6x8', {}, () => {});
    const [names] = WebAssembly.Module.customSections(new WebAssembly.Module(module.bytes()), 'name');
    assert.match(new TextDecoder().decode(names), /run.*tile_6x8/s);
  });
  test('the same module has the same bytes', () => {
    assert.equal([...copies({ shared: true }).bytes()], [...copies({ shared: true }).bytes()]);
  });
});

suite('assembler: what cannot be written', (test) => {
  const inFunction = (code: (f: FunctionBuilder) => void) => () =>
    new ModuleBuilder({ simd: 'baseline', shared: false }).kernel([], (f) => code(f));
  test('lanes out of range', () => {
    assert.throws(
      () => f32x4.extractLane(f32x4.const(0), 4),
      'assembler: a lane must be an integer from 0 to 3: got 4',
    );
    assert.throws(
      () => v128.load32Lane(0, f32x4.const(0), -1),
      'assembler: a lane must be an integer from 0 to 3: got -1',
    );
  });
  test('offsets that no instruction holds', () => {
    assert.throws(
      () => v128.load(0, 0.5),
      'assembler: a memory offset must be an integer below 2^32: got 0.5',
    );
    assert.throws(
      () => v128.load(0, 2 ** 32),
      'assembler: a memory offset must be an integer below 2^32: got 4294967296',
    );
  });
  test('fences are written for old V8 alone', () => {
    const bytes = (fences?: boolean) => {
      const module = new ModuleBuilder({
        simd: 'baseline',
        shared: false,
        ...(fences === undefined ? {} : { fences }),
      });
      module.kernel([], (f, p) => f.block(() => f.fence(p.begin)));
      return module.bytes().length;
    };
    assert.ok(bytes(true) > bytes(false));
    assert.is(bytes(), bytes(fencesHelp()));
    assert.is(fencesHelp(majorV8({ v8: '12.4.254.21-node.57' })), true);
    assert.is(fencesHelp(majorV8({ v8: '13.6.233.17-node.63' })), false);
    const chrome = (version: number) =>
      `Mozilla/5.0 AppleWebKit/537.36 Chrome/${version}.0.0.0 Safari/537.36`;
    assert.is(fencesHelp(majorV8({ userAgent: chrome(129) })), true);
    assert.is(fencesHelp(majorV8({ userAgent: chrome(136) })), false);
    assert.is(fencesHelp(majorV8({ userAgent: 'Mozilla/5.0 Gecko/20100101 Firefox/140.0' })), true);
  });
  test('fences outside of blocks', () => {
    assert.throws(
      inFunction((f) => f.fence(f.local('i32'))),
      'assembler: a fence stands in a block: there is none',
    );
  });
  test('steps that do not lead up', () => {
    assert.throws(
      inFunction((f) => f.loop(0, 4, 0, () => {})),
      "assembler: a loop's step must be an integer above 0: got 0",
    );
  });
  test('calls with too few or too many arguments', () => {
    const module = new ModuleBuilder({ simd: 'baseline', shared: false });
    const target = module.function('target', { a: 'i32', b: 'i32' }, () => {});
    assert.throws(
      () => module.kernel([], (f) => f.call(target, 1)),
      'assembler: target takes 2 arguments: got 1',
    );
  });
});

import * as assert from 'uvu/assert';
import {
  inOrder,
  oneByOne,
  type Schedule,
  schedule,
  type Work,
} from '../../../src/backends/wasm/schedule.js';
import { suite } from '../../support/suite.js';

/** A work that reads and writes blocks of 64 bytes, named by their numbers. */
function work(kernel: number, reads: number[], writes: number[], pieces = 1, cost = 100): Work {
  const range = (block: number) => ({ start: 64 * block, end: 64 * (block + 1) });
  return {
    ...{ step: kernel, kernel, pieces, cost, pointers: [], scratch: false, prepares: false, units: 10 },
    reads: reads.map(range),
    writes: writes.map(range),
  };
}

/** Every chunk as its calls: the kernel, and its units unless it has all of them. */
const shown = ({ phases }: Schedule) =>
  phases.map((chunks) =>
    chunks.map(({ calls }) =>
      calls
        .map(({ kernel, begin, end }) => (end - begin === 10 ? `${kernel}` : `${kernel}:${begin}-${end}`))
        .join(' '),
    ),
  );

suite('wasm schedule', (test) => {
  test('what waits for nothing shares the first phase, the longest chunks first', () => {
    const works = [work(0, [9], [0]), work(1, [9], [1], 2, 1000), work(2, [9], [2], 3, 3000)];
    assert.equal(shown(schedule(works, 0)), [['2:0-3', '2:3-6', '2:6-10', '1:0-5', '1:5-10', '0']]);
  });

  test('pieces are at home by their place, whatever the number of pieces; what is whole lies evenly', () => {
    const works = [
      work(0, [9], [0], 4, 400),
      work(1, [9], [1], 2, 100),
      work(2, [9], [2]),
      work(3, [9], [3]),
    ];
    const [chunks] = schedule(works, 0).phases;
    const homes = (kernel: number) =>
      chunks!.flatMap(({ home, calls }) => (calls[0]!.kernel === kernel ? [home] : []));
    assert.equal([0, 1, 2, 3].map(homes), [[0, 0.25, 0.5, 0.75], [0, 0.5], [0], [0.618]]);
  });

  test('more pieces than a phase may have chunks: the last chunk takes what is left', () => {
    const works = Array.from({ length: 300 }, (_, i) => work(i, [999], [i], 5));
    const [chunks] = schedule(works, 0).phases;
    assert.is(chunks!.length, 1024);
    const units = works.map(() => 0);
    for (const { calls } of chunks!)
      for (const { kernel, begin, end } of calls) units[kernel]! += end - begin;
    assert.ok(units.every((count) => count === 10));
  });

  for (const [what, first, second] of [
    ['reads what is written', [[0], [1]], [[1], [2]]],
    ['writes what is read', [[0], [1]], [[2], [0]]],
    ['writes what is written', [[0], [1]], [[2], [1]]],
  ] as const) {
    test(`a step that ${what} before it begins when that is finished`, () => {
      const [a, b] = [first, second].map(([reads, writes], kernel) =>
        work(kernel, [...reads], [...writes], 2),
      );
      assert.equal(shown(schedule([a!, b!], 0)), [
        ['0:0-5', '0:5-10'],
        ['1:0-5', '1:5-10'],
      ]);
    });
  }

  test('reading the same is no reason to wait, nor is being neighbors in memory', () => {
    assert.is(schedule([work(0, [5], [0], 2), work(1, [5], [1], 2)], 0).phases.length, 1);
  });

  test('ranges that share a byte meet, whatever slot they belong to', () => {
    const a: Work = { ...work(0, [], [], 2), writes: [{ start: 0, end: 100 }] };
    const b: Work = { ...work(1, [], [], 2), writes: [{ start: 99, end: 120 }] };
    const c: Work = { ...work(2, [], [], 2), writes: [{ start: 100, end: 120 }] };
    assert.equal(schedule([a, b], 0).phaseOf, [0, 1]);
    assert.equal(schedule([a, c], 0).phaseOf, [0, 0]);
  });

  test('updates of parameters join the phase behind their gradients, and each other', () => {
    // gradients of two layers, last layer first; every update reads and writes its own parameter
    const works = [
      work(0, [20], [1], 2),
      work(1, [20], [2], 2),
      work(2, [2, 10], [10]),
      work(3, [1], [3], 2),
      work(4, [3, 11], [11]),
    ];
    assert.equal(schedule(works, 0).phaseOf, [0, 0, 1, 1, 2]);
  });

  test('small steps that wait for each other are one chunk, beside others', () => {
    const works = [work(0, [9], [0]), work(1, [0], [1]), work(2, [9], [2], 2), work(3, [1], [3])];
    assert.equal(shown(schedule(works, 0)), [['0 1 3', '2:0-5', '2:5-10']]);
  });

  test('a small step that waits for two chunks begins a phase', () => {
    const works = [work(0, [9], [0]), work(1, [9], [1]), work(2, [0, 1], [2]), work(3, [2], [3])];
    assert.equal(shown(schedule(works, 0)), [['0', '1'], ['2 3']]);
    const behindPieces = [work(0, [9], [0], 2), work(1, [0], [1])];
    assert.equal(shown(schedule(behindPieces, 0)), [['0:0-5', '0:5-10'], ['1']]);
  });

  test('small chunks are put together while they cost less than is worth a claim', () => {
    const works = [0, 1, 2, 3, 4].map((kernel) => work(kernel, [9], [kernel]));
    assert.equal(shown(schedule(works, 250)), [['0 1', '2 3', '4']]);
  });

  test('every unit of every work once, and none before what it waits for: plans made at random', () => {
    // xorshift32 (Marsaglia 2003)
    let x = 42;
    const random = (below: number) => {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      return (x >>> 0) % below;
    };
    for (let plan = 0; plan < 200; plan++) {
      const blocks = () => Array.from({ length: 1 + random(3) }, () => random(12));
      const works = Array.from({ length: 1 + random(20) }, (_, kernel) =>
        work(kernel, blocks(), blocks(), 1 + random(3), random(300)),
      );
      const { phases, phaseOf } = schedule(works, 200);
      const units = works.map(() => 0);
      // when each work begins and ends, in positions of calls; chunks of a phase are at the same time
      const place = new Map<number, { phase: number; chunk: number; call: number }>();
      for (const [phase, chunks] of phases.entries()) {
        for (const [chunk, { calls }] of chunks.entries()) {
          for (const [call, { kernel, begin, end }] of calls.entries()) {
            units[kernel]! += end - begin;
            assert.is(phase, phaseOf[kernel]);
            place.set(kernel, { phase, chunk, call });
          }
        }
      }
      assert.ok(units.every((count) => count === 10));
      for (const [b, later] of works.entries()) {
        for (const [a, earlier] of works.slice(0, b).entries()) {
          const meets = (one: Work['reads'], other: Work['reads']) =>
            one.some(({ start }) => other.some((range) => range.start === start));
          const waits =
            meets(earlier.writes, later.writes) ||
            meets(earlier.writes, later.reads) ||
            meets(earlier.reads, later.writes);
          if (!waits) continue;
          const [first, second] = [place.get(a)!, place.get(b)!];
          const inChunk = first.chunk === second.chunk && first.call < second.call;
          assert.ok(first.phase < second.phase || (first.phase === second.phase && inChunk));
        }
      }
    }
  });

  test('one worker keeps the order of the plan, in one chunk; poisoning sees every step', () => {
    const works = [work(0, [9], [0], 2), work(1, [9], [1]), work(2, [9], [2], 3)];
    assert.equal(shown(inOrder(works)), [['0 1 2']]);
    assert.equal(shown(oneByOne(works)), [['0'], ['1'], ['2']]);
    assert.equal(oneByOne(works).phaseOf, [0, 1, 2]);
    for (const make of [inOrder, oneByOne]) assert.equal(make([]).phases, []);
    assert.equal(schedule([], 0).phases, []);
  });
});

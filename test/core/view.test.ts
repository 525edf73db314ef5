import * as assert from 'uvu/assert';
import { randomUniform } from '../../src/core/random.js';
import { type Shape, sameShape, sizeOf } from '../../src/core/shape.js';
import {
  broadcastView,
  collapseAxes,
  contiguousView,
  isContiguous,
  reshapeView,
  sliceView,
  transposeView,
  type View,
} from '../../src/core/view.js';
import { suite } from '../support/suite.js';

/** The buffer indices that a view shows, in row-major order. */
function indicesOf({ shape, strides, offset }: View): number[] {
  return shape.length === 0
    ? [offset]
    : Array.from({ length: shape[0]! }, (_, i) =>
        indicesOf({ shape: shape.slice(1), strides: strides.slice(1), offset: offset + i * strides[0]! }),
      ).flat();
}

/** Whole numbers from low to high, a sequence of its own for every seed. */
function drawer(seed: number): (low: number, high: number) => number {
  let count = 0;
  return (low, high) => low + Math.floor((high - low + 1) * randomUniform(count++, seed, 0));
}

/** A view after a few random changes, of up to four axes. */
function randomView(seed: number): View {
  const draw = drawer(seed);
  let view: View = {
    ...contiguousView(Array.from({ length: draw(0, 4) }, () => draw(1, 4))),
    offset: draw(0, 3),
  };
  for (let change = draw(0, 3); change > 0; change--) {
    const axes = view.shape.map((_, axis) => axis);
    switch (draw(0, 2)) {
      case 0: {
        const keys = axes.map(() => draw(0, 99));
        view = transposeView(
          view,
          axes.sort((a, b) => keys[a]! - keys[b]!),
        );
        break;
      }
      case 1: {
        const start = view.shape.map((extent) => draw(0, extent - 1));
        const step = axes.map(() => draw(1, 2));
        const shape = view.shape.map((extent, axis) => Math.ceil((extent - start[axis]!) / step[axis]!));
        view = sliceView(view, start, step, shape);
        break;
      }
      default:
        view = broadcastView(view, [
          ...(view.shape.length < 4 ? [draw(1, 3)] : []),
          ...view.shape.map((extent) => (extent === 1 ? draw(1, 3) : extent)),
        ]);
    }
  }
  return view;
}

/** A random shape of that many elements. */
function randomShape(size: number, seed: number): number[] {
  const draw = drawer(seed);
  const shape: number[] = [];
  for (let rest = size; rest > 1; ) {
    if (draw(0, 4) === 0) shape.push(1);
    const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => d > 1 && rest % d === 0);
    const extent = shape.length >= 4 ? rest : divisors[draw(0, divisors.length - 1)]!;
    shape.push(extent);
    rest /= extent;
  }
  if (draw(0, 2) === 0) shape.push(1);
  return shape;
}

suite('views, worked by hand', (test) => {
  const view = contiguousView([2, 3]);

  test('the whole of a buffer', () => {
    assert.equal(view, { shape: [2, 3], strides: [3, 1], offset: 0 });
    assert.equal(contiguousView([]), { shape: [], strides: [], offset: 0 });
  });

  test('transposing', () => {
    assert.equal(transposeView(view, [1, 0]), { shape: [3, 2], strides: [1, 3], offset: 0 });
    assert.equal(transposeView({ ...contiguousView([2, 3, 5]), offset: 4 }, [2, 0, 1]), {
      shape: [5, 2, 3],
      strides: [1, 15, 5],
      offset: 4,
    });
  });

  test('slicing, of a slice too', () => {
    const once = sliceView(contiguousView([6, 10]), [1, 2], [2, 3], [3, 2]);
    assert.equal(once, { shape: [3, 2], strides: [20, 3], offset: 12 });
    assert.equal(sliceView(once, [1, 1], [1, 1], [2, 1]), { shape: [2, 1], strides: [20, 3], offset: 35 });
    assert.equal(indicesOf(sliceView(view, [1, 2], [-1, -1], [2, 3])), [5, 4, 3, 2, 1, 0]);
  });

  test('stretching', () => {
    assert.equal(broadcastView(contiguousView([3]), [2, 3]), { shape: [2, 3], strides: [0, 1], offset: 0 });
    assert.equal(broadcastView(contiguousView([2, 1]), [2, 3]), {
      shape: [2, 3],
      strides: [1, 0],
      offset: 0,
    });
    assert.equal(broadcastView({ ...contiguousView([]), offset: 7 }, [4]), {
      shape: [4],
      strides: [0],
      offset: 7,
    });
    assert.equal(broadcastView(view, [2, 3]), view);
  });

  test('contiguity', () => {
    assert.ok(isContiguous(view));
    assert.ok(isContiguous(contiguousView([])));
    assert.ok(isContiguous({ shape: [2, 1, 3], strides: [3, 77, 1] }));
    assert.ok(isContiguous({ shape: [4, 0], strides: [9, 9] }));
    assert.not(isContiguous(transposeView(view, [1, 0])));
    assert.not(isContiguous({ shape: [2, 3], strides: [4, 1] }));
    assert.not(isContiguous({ shape: [2, 3], strides: [0, 1] }));
  });
});

suite('reshaping views', (test) => {
  test('splits and joins axes that lie evenly', () => {
    assert.equal(reshapeView(contiguousView([2, 6]), [3, 4]), { shape: [3, 4], strides: [4, 1], offset: 0 });
    const columns = sliceView(contiguousView([4, 10]), [0, 3], [1, 1], [4, 6]);
    assert.equal(reshapeView(columns, [2, 2, 3, 2]), {
      shape: [2, 2, 3, 2],
      strides: [20, 10, 2, 1],
      offset: 3,
    });
    const swapped = transposeView(contiguousView([2, 3, 5]), [1, 2, 0]);
    assert.equal(reshapeView(swapped, [15, 2]), { shape: [15, 2], strides: [1, 15], offset: 0 });
    const row = broadcastView(contiguousView([6]), [4, 6]);
    assert.equal(reshapeView(row, [2, 2, 3, 2]), { shape: [2, 2, 3, 2], strides: [0, 0, 2, 1], offset: 0 });
  });

  test('gives up where only a copy can', () => {
    assert.is(reshapeView(transposeView(contiguousView([2, 3]), [1, 0]), [6]), undefined);
    assert.is(reshapeView(broadcastView(contiguousView([6]), [4, 6]), [24]), undefined);
  });

  test('an empty view takes any empty shape', () => {
    const empty = sliceView(contiguousView([4, 5]), [1, 2], [1, 1], [0, 3]);
    assert.equal(reshapeView(empty, [7, 0]), { shape: [7, 0], strides: [0, 1], offset: empty.offset });
  });

  test('shows the same elements in the same order, for 3000 random views', () => {
    let [reshaped, refused, strided] = [0, 0, 0];
    for (let seed = 0; seed < 3000; seed++) {
      const view = randomView(seed);
      const shape = randomShape(sizeOf(view.shape), seed + 100_000);
      assert.is(sizeOf(shape), sizeOf(view.shape));
      const result = reshapeView(view, shape);
      if (result === undefined) {
        refused++;
        assert.not(sameShape(shape, view.shape), 'its own shape always fits');
        assert.not.ok(fitsSomehow(view, shape), `seed ${seed}: strides would do`);
        continue;
      }
      reshaped++;
      if (!isContiguous(result)) strided++;
      assert.equal(result.shape, shape);
      assert.equal(indicesOf(result), indicesOf(view), `seed ${seed}`);
    }
    assert.ok(reshaped > 500 && refused > 500 && strided > 200, `${reshaped}, ${refused}, ${strided}`);
  });
});

/** True if any strides show the elements of `view` in its order under `shape`, told from the indices themselves. */
function fitsSomehow(view: View, shape: Shape): boolean {
  const indices = indicesOf(view);
  const strides: number[] = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = shape[axis] === 1 ? 0 : indices[step]! - indices[0]!;
    step *= shape[axis]!;
  }
  const guess = indicesOf({ shape, strides, offset: view.offset });
  return guess.every((index, i) => index === indices[i]);
}

suite('collapsing axes', (test) => {
  test('merges what all views walk evenly', () => {
    const strides = contiguousView([2, 3, 5]).strides;
    assert.equal(collapseAxes([2, 3, 5], [strides, strides]), { shape: [30], strides: [[1], [1]] });
    assert.equal(collapseAxes([2, 3, 5], [strides, [5, 0, 1]]), {
      shape: [2, 3, 5],
      strides: [
        [15, 5, 1],
        [5, 0, 1],
      ],
    });
    assert.equal(
      collapseAxes(
        [4, 3, 5],
        [
          [15, 5, 1],
          [0, 5, 1],
        ],
      ),
      {
        shape: [4, 15],
        strides: [
          [15, 1],
          [0, 1],
        ],
      },
    );
  });

  test('drops extents of 1 and leaves at least one axis', () => {
    assert.equal(collapseAxes([1, 4, 1], [[99, 1, 77]]), { shape: [4], strides: [[1]] });
    assert.equal(collapseAxes([], [[], []]), { shape: [1], strides: [[0], [0]] });
    assert.equal(collapseAxes([1, 1], [[3, 4]]), { shape: [1], strides: [[0]] });
    assert.equal(collapseAxes([0, 1], []), { shape: [0], strides: [] });
  });

  test('walks the same elements, for 1000 pairs of random views of one shape', () => {
    let merged = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const view = randomView(seed);
      const other = contiguousView(view.shape);
      const { shape, strides } = collapseAxes(view.shape, [view.strides, other.strides]);
      if (shape.length < view.shape.filter((extent) => extent !== 1).length) merged++;
      [view, other].forEach(({ offset }, i) => {
        assert.equal(
          indicesOf({ shape, strides: strides[i]!, offset }),
          indicesOf([view, other][i]!),
          `seed ${seed}`,
        );
      });
    }
    assert.ok(merged > 100, `${merged}`);
  });
});

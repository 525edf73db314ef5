import { PlanError, UsageError } from '../../src/core/errors.js';
import { openEngine } from '../../src/engine/engine.js';
import { parameter } from '../../src/tensor/leaves.js';
import type { Leaf } from '../../src/tensor/tensor.js';
import { throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

const engine = await openEngine({ backend: 'reference' });

suite('what a step gives back', (test) => {
  test.after(() => engine.close());
  const w = parameter('w', [2], 0);
  /** As programs without types give it. */
  const compiled = (result: (x: Leaf) => unknown) => () =>
    engine.compile((({ x }: { x: Leaf }) => result(x)) as never, { x: { shape: [2] } });
  const hint = '\n  A step gives { outputs: { loss }, updates: [[leaf, tensor]] }, or one of the two.';

  const rows: readonly (readonly [title: string, result: (x: Leaf) => unknown, message: string])[] = [
    [
      'a Promise',
      async (x) => ({ outputs: { y: x } }),
      'the step gives a Promise: tracing it does not wait\n  Leave async and await out of the step: the graph is built at once, only running is awaited.',
    ],
    ['a tensor', (x) => x, `the step must give an object of outputs and updates: Leaf${hint}`],
    ['nothing', () => undefined, `the step must give an object of outputs and updates: undefined${hint}`],
    ['a list', (x) => [x], `the step must give an object of outputs and updates: Array${hint}`],
    [
      'neither of the two',
      () => ({}),
      `the step gives neither outputs nor updates: it would compute nothing${hint}`,
    ],
    ['one tensor as outputs', (x) => ({ outputs: x }), `outputs must be an object of tensors: Leaf${hint}`],
    ['a number as output', () => ({ outputs: { y: 1 } }), `output 'y' must be a tensor: number${hint}`],
    [
      'a missing output',
      () => ({ outputs: { y: undefined } }),
      `output 'y' must be a tensor: undefined${hint}`,
    ],
    ['updates by name', (x) => ({ updates: { w: x } }), `updates must be a list of pairs: Object${hint}`],
    [
      'updates without pairs',
      (x) => ({ updates: [w, x] }),
      `update 0 must be a pair of a leaf and a tensor: Leaf${hint}`,
    ],
    [
      'a number as new value',
      () => ({ updates: [[w, 1]] }),
      `the new value of update 0 must be a tensor: number${hint}`,
    ],
  ];
  for (const [title, result, message] of rows) {
    test(`${title} is refused`, () => throws(compiled(result), PlanError, `compile: ${message}`));
  }

  test('a name that is misspelled', () => {
    const message = (given: string, meant: string) =>
      `compile: the result of the step: there is no option '${given}'\n  Its name here is ${meant}.`;
    throws(
      compiled((x) => ({ output: { y: x } })),
      UsageError,
      message('output', 'outputs'),
    );
    throws(
      compiled((x) => ({ outputs: { y: x }, update: [[w, x]] })),
      UsageError,
      message('update', 'updates'),
    );
  });

  test('empty lists that are named, as of a model that has none', () => {
    compiled(() => ({ outputs: {} }))();
    compiled(() => ({ updates: [] }))();
  });
});

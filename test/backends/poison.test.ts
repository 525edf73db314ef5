import * as assert from 'uvu/assert';
import { openReference } from '../../src/backends/reference/reference.js';
import { openWasm } from '../../src/backends/wasm/wasm.js';
import type { HostArray } from '../../src/core/dtype.js';
import { call, input as operand } from '../../src/core/expression.js';
import type { Plan } from '../../src/plan/plan.js';
import { input, state } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';
import { mapStep, negated, out, planOf, residentsOf, sum, whole, x0 } from './contract/handPlans.js';

/** The definition, and the backend that is to be as watchful. */
for (const open of [openReference, openWasm]) {
  suite(`poison: ${open === openWasm ? 'wasm' : 'reference'}`, (test) => {
    const x = input('x', [3]);
    const feeds = { x: new Float32Array([1, 2, 3]) };
    const shape = [3];

    /** x → −x → −(−x) → −x + −(−x): the last step still reads slot 1, whatever its lifetime says. */
    const chain = (lastUse: number, secondAt = 64) =>
      planOf(
        [x],
        [
          { size: 3, at: 0, uses: [0, lastUse] },
          { size: 3, at: secondAt, uses: [1, 2] },
          { size: 3, at: 128, uses: [2, 3] },
        ],
        [
          mapStep([negated], [0], [1], shape),
          mapStep([negated], [1], [2], shape),
          mapStep([sum], [1, 2], [3], shape),
        ],
        [out('zero', whole(3, shape))],
      );

    async function run(plan: Plan, poison: boolean, precision?: 'float64'): Promise<HostArray> {
      const backend = await (precision === undefined
        ? open({ poison })
        : openReference({ poison, precision }));
      const program = await backend.prepare(plan, new Map());
      return Object.values(await program.run(feeds))[0]!;
    }

    test('a slot that is read after its last use gives NaN', async () => {
      assert.equal([...(await run(chain(2), true))], [0, 0, 0]);
      assert.equal([...(await run(chain(1), false))], [0, 0, 0]);
      assert.ok((await run(chain(1), true)).every(Number.isNaN));
      assert.ok((await run(chain(1), true, 'float64')).every(Number.isNaN));
    });

    test('slots that wrongly share memory show without poison too', async () => {
      // slot 2 overwrites slot 1, which the last step reads: x + x
      assert.equal([...(await run(chain(2, 0), false))], [2, 4, 6]);
    });

    test('a slot that is read before it is written gives NaN, also in the second step of a run', async () => {
      const plan = planOf(
        [x],
        [
          { size: 3, at: 0, uses: [0, 1] },
          { size: 3, at: 64, uses: [0, 1] },
        ],
        [mapStep([sum], [0, 2], [1], shape), mapStep([negated], [1], [2], shape)],
        [out('y', whole(1, shape))],
      );
      assert.equal([...(await run(plan, false))], [1, 2, 3]);
      assert.ok((await run(plan, true)).every(Number.isNaN));
      const backend = await open({ poison: true });
      const program = await backend.prepare(plan, new Map());
      const twice = await program.run({ x: new Float32Array(6) }, { steps: 2 });
      assert.ok(twice.y!.every(Number.isNaN));
    });

    test('a value in the memory of an operand that dies with the step survives', async () => {
      const plan = planOf(
        [x],
        [
          { size: 3, at: 0, uses: [0, 1] },
          { size: 3, at: 0, uses: [1, 2] },
          { size: 3, at: 64, uses: [2, 3] },
        ],
        [
          mapStep([negated], [0], [1], shape),
          mapStep([sum], [1, 1], [2], shape),
          mapStep([negated], [2], [3], shape),
        ],
        [out('y', whole(3, shape))],
      );
      assert.equal([...(await run(plan, true))], [2, 4, 6]);
    });

    test('what an output or an update shows is kept, whatever its last use', async () => {
      const leaf = state('leaf', [3], 0);
      // wasm takes no others
      const inPlace = open === openWasm;
      const plan = planOf(
        [x, leaf],
        [
          { size: 3, at: 0, uses: [0, 0] },
          { size: 3, at: 64, uses: [0, 0] },
        ],
        [mapStep([negated, x0], [0], [2, inPlace ? 1 : 3], shape)],
        [out('y', whole(2, shape))],
        [{ leaf, slot: inPlace ? 1 : 3 }],
      );
      const backend = await open({ poison: true });
      const residents = await residentsOf(backend, [leaf]);
      const program = await backend.prepare(plan, residents);
      assert.equal([...(await program.run(feeds)).y!], [-1, -2, -3]);
      assert.equal([...(await residents.get(leaf)!.read())], [1, 2, 3]);
    });

    test('integers are filled with bytes of 0x7f', async () => {
      for (const [dtype, poisoned] of [
        ['int32', 0x7f7f7f7f],
        ['uint8', 0x7f],
      ] as const) {
        const plan = planOf(
          [x],
          [
            { dtype, size: 3, at: 0, uses: [0, 0] },
            { dtype, size: 3, at: 64, uses: [1, 2] },
          ],
          [mapStep([call('toInt', x0)], [0], [1], shape), mapStep([operand(0, 'int32')], [1], [2], shape)],
          [out('y', whole(2, shape), dtype)],
        );
        assert.equal([...(await run(plan, true))], [poisoned, poisoned, poisoned]);
      }
    });
  });
}

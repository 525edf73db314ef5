/** What nobody refers to any more goes, without a word from the user. */
import * as assert from 'uvu/assert';
import { openWasm } from '../../src/backends/wasm/wasm.js';
import { Engine } from '../../src/engine/engine.js';
import { parameter } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';

/** Lets finalization callbacks run. */
async function collect(): Promise<boolean> {
  if (globalThis.gc === undefined) return false;
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

suite('an engine lets go', (test) => {
  for (const threads of [1, 2]) {
    test(`of leaves, programs and their feeds, on ${threads} threads`, async () => {
      if (!(await collect())) return;
      const backend = await openWasm({ threads });
      await using engine = new Engine(backend);
      const kept = parameter('kept', [4], 1);
      const train = async (turn: number) => {
        // 1 MiB of a parameter, 1 MiB of a feed
        const weights = parameter('weights', [2 ** 18], turn);
        const step = engine.compile(
          ({ x }) => ({ outputs: { y: x.multiply(weights).sum().add(kept.sum()) } }),
          { x: { shape: [2 ** 18] } },
        );
        const { y } = await step.run({ x: new Float32Array(2 ** 18).fill(2 ** -18) });
        assert.is(y.get(), turn + 4);
      };
      const { memory } = backend as unknown as { memory: { bytes: number } };
      for (let turn = 1; turn <= 4; turn++) await train(turn);
      await collect();
      const before = memory.bytes;
      for (let turn = 5; turn <= 20; turn++) {
        await train(turn);
        await collect();
      }
      assert.ok(memory.bytes <= before + 4 * 2 ** 20, `${before} bytes became ${memory.bytes}`);
      assert.equal(Array.from((await engine.read(kept)).data as Float32Array), [1, 1, 1, 1]);
    });
  }
});

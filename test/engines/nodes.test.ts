import * as assert from 'uvu/assert';
import type { ParityResult } from '../support/parity.js';
import { suite } from '../support/suite.js';
import { noOtherNodes, otherNodes, runScript } from './support.js';
import type { EngineFindings } from './train.js';

const trainWith = (node: string) => runScript<EngineFindings>(node, './train.js');

/** All results of one model and SIMD level must be one: threads and engines change nothing. */
function groupsOf({ trained }: EngineFindings): Map<string, ParityResult[]> {
  const groups = new Map<string, ParityResult[]>();
  for (const { what, result } of trained) {
    const key = `${what.model}, ${what.engine?.simd} SIMD`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return groups;
}

suite('versions of Node', (test) => {
  const own = trainWith(process.execPath);
  // reported by the test that awaits it
  own.catch(() => {});

  test(`${process.version}: the same bytes on 1 and 2 threads, others per SIMD level`, async () => {
    const groups = groupsOf(await own);
    assert.is(groups.size, 4);
    for (const [what, [first, ...rest]] of groups) {
      assert.is(rest.length, 1);
      for (const result of rest) assert.equal({ ...result, threads: 1 }, first, what);
      assert.ok(first!.losses.at(-1)! < first!.losses[0]! * 0.8, `${what} learns`);
    }
    const hashes = [...groups.values()].map(([first]) => first!.weightsSha256);
    assert.is(new Set(hashes).size, hashes.length);
  });

  if (otherNodes.length === 0) test.unavailable('other versions', noOtherNodes);
  for (const path of otherNodes) {
    test(`another Node gives the bytes of ${process.version}`, async () => {
      const [expected, actual] = [await own, await trainWith(path)];
      console.log(`    ${actual.node} beside ${expected.node}`);
      assert.equal(actual.trained, expected.trained, actual.node);
    });
  }
});

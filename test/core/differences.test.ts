import * as assert from 'uvu/assert';
import { differences, differenceText } from '../../src/core/differences.js';
import { suite } from '../support/suite.js';

suite('differences of settings', (test) => {
  test('differences are named by their paths', () => {
    const left = { seed: 1, optimizer: { name: 'adam', learningRate: 0.1 }, shape: [1, 2] };
    assert.equal(differences(left, structuredClone(left)), []);
    assert.equal(differences(left, { ...left, shape: [2, 1], optimizer: { name: 'adam' }, limit: 3 }), [
      {
        path: 'optimizer.learningRate',
        names: ['optimizer', 'learningRate'],
        left: 0.1,
        right: undefined,
      },
      { path: 'shape', names: ['shape'], left: [1, 2], right: [2, 1] },
      { path: 'limit', names: ['limit'], left: undefined, right: 3 },
    ]);
    assert.equal(differences({ 'layers.0': { units: 1 } }, { 'layers.0': { units: 2 } }), [
      { path: 'layers.0.units', names: ['layers.0', 'units'], left: 1, right: 2 },
    ]);
  });

  test('the order of members does not count', () => {
    assert.equal(differences({ list: [{ a: 1, b: 2 }] }, { list: [{ b: 2, a: 1 }] }), []);
  });

  test('are told in a sentence that stays short', () => {
    const told = (left: unknown, right: unknown) =>
      differences({ part: left }, { part: right }).map(differenceText);
    assert.equal(told(4, 5), ['part was 4, is 5']);
    assert.equal(told('a', undefined), ['part was "a", is nothing']);
    assert.equal(told('a'.repeat(200), 'b'), ['part is another']);
  });
});

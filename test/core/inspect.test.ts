import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import { dense } from '../../src/nn/layers/dense.js';
import { Model } from '../../src/nn/model.js';
import { input } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';

suite('what console.log shows', (test) => {
  test('a tensor and a model are a line', () => {
    assert.is(inspect(input('x', [2, 3]).relu()), 'Tensor(relu float32[2, 3])');
    assert.is(inspect(new Model(dense(4), [3])), 'Model(dense, [3] → [4], 16 parameters)');
  });
});

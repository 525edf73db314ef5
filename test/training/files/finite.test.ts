import { ModelError } from '../../../src/core/errors.js';
import { checkFinite, checkProbabilities } from '../../../src/training/files/weights.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';

suite('models that are not finite', (test) => {
  test('are refused by the first of their tensors', () => {
    const good = { shape: [2], data: Float32Array.of(1, 2) };
    const bad = { shape: [3], data: Float32Array.of(1, Number.NaN, Infinity) };
    checkFinite(new Map([['a', good]]), 'model');
    throws(
      () =>
        checkFinite(
          new Map([
            ['a', good],
            ['b', bad],
          ]),
          'model',
        ),
      ModelError,
      'model: the model is not finite: 2 of 3 numbers of b are not\n' +
        '  Its training has diverged: a lower learning rate is the usual cure, or gradients that are clipped.',
    );
  });

  test('are refused by what they give', () => {
    checkProbabilities(Float32Array.of(0.5, 0.5), 'model');
    throws(
      () => checkProbabilities(Float32Array.of(0.5, Number.NaN), 'model'),
      ModelError,
      'model: the model is not finite on these images: 1 of 2 probabilities are no numbers\n' +
        '  Its weights are too large: its training has diverged.',
    );
  });
});

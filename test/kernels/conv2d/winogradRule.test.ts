import * as assert from 'uvu/assert';
import { conv2dInputGradientWasm, conv2dWasm } from '../../../kernels/conv2d/wasm.js';
import { usesWinograd, type WinogradShape } from '../../../kernels/conv2d/winograd.js';
import { suite } from '../../support/suite.js';
import { oneScale, passCase } from './winogradSupport.js';

suite('the rule of Winograd', (test) => {
  const usual: WinogradShape = {
    window: [3, 3],
    strides: [1, 1],
    frame: { steps: [1, 1], channels: 8 },
    output: [4, 4, 8],
  };

  test('windows of 3x3 that move by 1, 8 channels to 8, 4x4 results', () => {
    assert.ok(usesWinograd(usual));
    const others: readonly WinogradShape[] = [
      { ...usual, window: [3, 2] },
      { ...usual, window: [5, 5] },
      { ...usual, strides: [1, 2] },
      { ...usual, frame: { steps: [2, 1], channels: 8 } },
      { ...usual, frame: { steps: [1, 1], channels: 7 } },
      { ...usual, output: [3, 4, 8] },
      { ...usual, output: [4, 3, 8] },
      { ...usual, output: [4, 4, 7] },
    ];
    for (const shape of others) assert.not.ok(usesWinograd(shape), JSON.stringify(shape));
  });

  test('it is printed, forward and backward', () => {
    const options = { simd: 'baseline', shared: false } as const;
    const { call } = passCase('conv2d', { images: [1, 8, 8, 16], filters: 32 }, [oneScale, oneScale]);
    assert.match(conv2dWasm(call, options).algorithm, /^convolution winograd 4x4 5x8, 2x2 tiles$/);
    const back = passCase('conv2dInputGradient', { images: [1, 8, 8, 16], filters: 32 }, [
      oneScale,
      oneScale,
    ]);
    const { algorithm } = conv2dInputGradientWasm(back.call, options);
    assert.is(algorithm, 'input gradient winograd 4x4 5x8, 2x2 tiles, framed image');
    const few = passCase('conv2d', { images: [1, 8, 8, 7], filters: 32 }, [oneScale, oneScale]);
    assert.match(conv2dWasm(few.call, options).algorithm, /direct/);
  });
});

import * as assert from 'uvu/assert';
import { detectSimdLevel, numericsOf } from '../../../src/writers/wasm/simdLevel.js';
import { suite } from '../../support/suite.js';

suite('SIMD level', (test) => {
  const best = detectSimdLevel();

  test('the baseline rounds a product before it is added', () =>
    assert.is(numericsOf('baseline'), 'mul-add'));

  // Every Node this project supports has relaxed SIMD; whether it fuses is the machine's affair.
  test('Node has relaxed SIMD', () => assert.is(best, 'relaxed'));
  if (process.arch === 'x64' || process.arch === 'arm64') {
    test('relaxed multiply-add rounds once', () => assert.is(numericsOf(best), 'fma'));
  } else {
    test.unavailable('relaxed multiply-add rounds once', `not known for ${process.arch}`);
  }

  test('an engine without relaxed SIMD gets the baseline, one without SIMD an error', () => {
    const { validate } = WebAssembly;
    try {
      let calls = 0;
      WebAssembly.validate = () => ++calls > 2;
      assert.is(detectSimdLevel(), 'baseline');
      WebAssembly.validate = () => false;
      assert.throws(detectSimdLevel, (error: Error) => {
        assert.is(
          error.message,
          'wasm: this JavaScript engine has no WebAssembly SIMD\n  use the reference backend, or an engine of 2021 or later',
        );
        return true;
      });
    } finally {
      WebAssembly.validate = validate;
    }
  });
});

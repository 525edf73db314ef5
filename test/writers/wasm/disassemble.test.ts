import * as assert from 'uvu/assert';
import { disassemble } from '../../../src/writers/wasm/disassemble.js';
import { suite } from '../../support/suite.js';

/** Written by hand, by the binary format of the standard: https://webassembly.github.io/spec/core/binary */
const module = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  // (type (func (param i32 i32) (result f32)))
  ...[1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7d],
  ...[3, 2, 1, 0],
  ...[10, 56, 1, 54],
  // two locals: v128, f32
  ...[2, 1, 0x7b, 1, 0x7d],
  // block loop local.get 0 i32.const -3 i32.lt_s br_if 1 br 0 end end
  ...[0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x41, 0x7d, 0x48, 0x0d, 1, 0x0c, 0, 0x0b, 0x0b],
  // local.get 1 v128.load offset=144 local.set 2
  ...[0x20, 1, 0xfd, 0x00, 0, 0x90, 0x01, 0x21, 2],
  // local.get 2 local.get 2 f32x4.mul f32x4.extract_lane 3
  ...[0x20, 2, 0x20, 2, 0xfd, 0xe6, 0x01, 0xfd, 0x1f, 3],
  // f32.const 0.5 local.get 0 select (result f32)
  ...[0x43, 0, 0, 0, 0x3f, 0x20, 0, 0x1c, 1, 0x7d],
  // end
  0x0b,
  ...[0, 16, 4, 0x6e, 0x61, 0x6d, 0x65, 1, 9, 1, 0, 6, 0x73, 0x71, 0x75, 0x61, 0x72, 0x65],
]);

suite('WebAssembly as text', (test) => {
  test('a module is written as the standard writes it', () => {
    const body = module.slice();
    const start = body.indexOf(54);
    // the sizes of the section and of the body are counted here
    const end = body.lastIndexOf(0x0b, body.length - 18);
    body[start] = end - start;
    body[start - 2] = end - start + 2;
    assert.equal(disassemble(body).split('\n'), [
      '(func $square (param i32 i32) (result f32)',
      '  (local v128)',
      '  (local f32)',
      '  block',
      '    loop',
      '      local.get 0',
      '      i32.const -3',
      '      i32.lt_s',
      '      br_if 1',
      '      br 0',
      '    end',
      '  end',
      '  local.get 1',
      '  v128.load offset=144',
      '  local.set 2',
      '  local.get 2',
      '  local.get 2',
      '  f32x4.mul',
      '  f32x4.extract_lane 3',
      '  f32.const 0.5',
      '  local.get 0',
      '  select (result f32)',
      ')',
    ]);
  });
});

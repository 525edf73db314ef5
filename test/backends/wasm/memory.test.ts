import * as assert from 'uvu/assert';
import { Region, WasmMemory } from '../../../src/backends/wasm/memory.js';
import { BackendError } from '../../../src/core/errors.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';

const mebibyte = 2 ** 20;

/** Whole numbers below `sides`, the same at every run (a linear congruential generator: Knuth's MMIX). */
function dice(): (sides: number) => number {
  let state = 42n;
  return (sides) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(sides));
  };
}

function bytesAt(memory: WasmMemory, address: number, bytes: number): Uint8Array {
  return memory.view(address, 'uint8', bytes) as Uint8Array;
}

for (const shared of [false, true]) {
  suite(`wasm memory${shared ? ', shared' : ''}`, (test) => {
    test('blocks never overlap, whatever is allocated and released in between', () => {
      const memory = new WasmMemory(shared);
      const roll = dice();
      const blocks: { address: number; bytes: number; mark: number }[] = [];
      for (let turn = 1; turn <= 3000; turn++) {
        if (blocks.length > 0 && roll(5) < 2) {
          const [block] = blocks.splice(roll(blocks.length), 1);
          const { address, bytes, mark } = block!;
          assert.ok(bytesAt(memory, address, bytes).every((byte) => byte === mark));
          memory.release(address, bytes);
          continue;
        }
        const bytes = roll(10) === 0 ? roll(40000) : roll(500);
        const address = memory.allocate(bytes);
        assert.ok(address >= 64 && address % 64 === 0, `address ${address}`);
        assert.ok(address + bytes <= memory.bytes);
        const view = bytesAt(memory, address, bytes);
        assert.ok(view.every((byte) => byte === 0));
        const mark = 1 + (turn % 255);
        view.fill(mark);
        blocks.push({ address, bytes, mark });
      }
      for (const { address, bytes, mark } of blocks) {
        assert.ok(bytesAt(memory, address, bytes).every((byte) => byte === mark));
      }
    });

    test('what is released in any order merges: all of it is one block again', () => {
      const memory = new WasmMemory(shared);
      const roll = dice();
      const all = memory.bytes - 64;
      for (let round = 0; round < 20; round++) {
        const blocks = Array.from({ length: 40 }, () => {
          const bytes = 1 + roll(20000);
          return { address: memory.allocate(bytes), bytes };
        });
        while (blocks.length > 0) {
          const [block] = blocks.splice(roll(blocks.length), 1);
          memory.release(block!.address, block!.bytes);
        }
        assert.is(memory.allocate(all), 64);
        memory.release(64, all);
      }
      assert.is(memory.bytes, all + 64);
    });

    test('a released block is used again, and is zero again', () => {
      const memory = new WasmMemory(shared);
      const [first, second] = [memory.allocate(1000), memory.allocate(1000)];
      bytesAt(memory, first, 1000).fill(7);
      memory.release(first, 1000);
      const again = memory.allocate(900);
      assert.is(again, first);
      assert.ok(bytesAt(memory, again, 900).every((byte) => byte === 0));
      assert.ok(second > first);
    });

    test('it grows by what is missing at its end, and keeps what it holds', () => {
      const memory = new WasmMemory(shared);
      const kept = memory.allocate(100);
      bytesAt(memory, kept, 100).fill(9);
      const before = memory.bytes;
      const large = memory.allocate(3 * mebibyte);
      assert.is(memory.bytes, Math.ceil((large + 3 * mebibyte) / 65536) * 65536);
      assert.is(large, 64 + 128);
      assert.ok(memory.bytes > before);
      assert.ok(bytesAt(memory, kept, 100).every((byte) => byte === 9));
      assert.ok(bytesAt(memory, large, 3 * mebibyte).every((byte) => byte === 0));
    });

    test('more than there can be is refused, and costs nothing', () => {
      const memory = new WasmMemory(shared);
      const before = memory.bytes;
      throws(
        () => memory.allocate(2 ** 33),
        BackendError,
        'wasm: out of memory: 8192 MiB are wanted, 4096 MiB is the most\n  A smaller batch needs less.',
      );
      assert.is(memory.bytes, before);
      assert.is(memory.allocate(before - 64), 64);
    });

    test('a region grows to the largest wish, and moves for it', () => {
      const memory = new WasmMemory(shared);
      const region = new Region(memory);
      region.reserve(0);
      assert.is(region.bytes, 0);
      region.reserve(1000);
      const first = region.address;
      region.reserve(500);
      assert.is(region.address, first);
      assert.is(region.bytes, 1000);
      const behind = memory.allocate(64);
      bytesAt(memory, behind, 64).fill(5);
      region.reserve(2 * mebibyte);
      assert.ok(region.address > behind);
      bytesAt(memory, region.address, 2 * mebibyte).fill(6);
      assert.ok(bytesAt(memory, behind, 64).every((byte) => byte === 5));
      assert.is(memory.allocate(1000), first);
    });

    test('a region for which there is no room keeps the room that it has', () => {
      const memory = new WasmMemory(shared);
      const region = new Region(memory);
      const message =
        'wasm: out of memory: 8192 MiB are wanted, 4096 MiB is the most\n  A smaller batch needs less.';
      throws(() => region.reserve(2 ** 33), BackendError, message);
      assert.is(region.bytes, 0);
      region.reserve(1000);
      const { address } = region;
      throws(() => region.reserve(2 ** 33), BackendError, message);
      assert.is(region.bytes, 1000);
      assert.is(region.address, address);
      assert.ok(memory.allocate(1000) >= address + 1000);
    });

    test('an engine that gives no memory', () => {
      const { Memory } = WebAssembly;
      const cause = new RangeError('could not allocate memory');
      WebAssembly.Memory = class {
        constructor() {
          throw cause;
        }
      } as unknown as typeof Memory;
      const message =
        'wasm: there is no address space for a memory: 10 GB of it, which are reserved and not used, were refused\n' +
        '  Every engine takes its share: close those that are done. Below a limit (ulimit -v), node --disable-wasm-trap-handler does without.';
      try {
        throws(() => new WasmMemory(shared), BackendError, message);
      } finally {
        WebAssembly.Memory = Memory;
      }
    });

    test('views of every dtype start at the address', () => {
      const memory = new WasmMemory(shared);
      const address = memory.allocate(16);
      memory.view(address, 'float32', 1)[0] = 1;
      assert.is(memory.view(address, 'int32', 1)[0], 0x3f800000);
      assert.equal([...memory.view(address, 'uint8', 4)], [0, 0, 0x80, 0x3f]);
    });
  });
}

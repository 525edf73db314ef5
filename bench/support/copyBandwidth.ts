/** The limit of kernels that mostly move memory: a copy by 128-bit loads and stores, of a given number of bytes. */
import { i32, ModuleBuilder, v128 } from '../../src/writers/wasm/assembler.js';
import type { SimdLevel } from '../../src/writers/wasm/simdLevel.js';
import { type Clock, wallClock } from './clock.js';

const unroll = 8;
const turnBytes = 16 * unroll;
const pageBytes = 65536;
/** Beyond any cache; a larger working set is measured as this one. */
const largest = 128 * 2 ** 20;
const smallest = 16 * turnBytes;

/** For each size of the working set (bytes read plus bytes written), what measures the rate in bytes per second. */
export function copyBandwidth(
  simd: SimdLevel,
  clock: Clock = wallClock,
): (bytes: number) => (milliseconds: number) => number {
  const module = new ModuleBuilder({ simd, shared: false });
  module.kernel(['from', 'to'], (f, { from, to, begin, end }) => {
    f.loop(begin, end, turnBytes, (at) => {
      const [source, target] = [f.let(i32.add(from, at)), f.let(i32.add(to, at))];
      const loaded = Array.from({ length: unroll }, (_, i) => f.let(v128.load(source, 16 * i)));
      for (const [i, value] of loaded.entries()) f.store(target, value, 16 * i);
    });
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes()), { env: { memory } });
  const copy = exports.run as (from: number, to: number, begin: number, end: number) => void;

  return (bytes) => {
    const size = Math.max(smallest, Math.min(bytes, largest));
    const half = Math.ceil(size / 2 / turnBytes) * turnBytes;
    const pages = Math.ceil((2 * half) / pageBytes) - memory.buffer.byteLength / pageBytes;
    if (pages > 0) memory.grow(pages);
    const rate = (copies: number) => {
      const started = clock();
      for (let i = 0; i < copies; i++) copy(0, half, 0, half);
      return (2 * half * copies) / (clock() - started);
    };
    // The first pages are handed out by the system and the first code is replaced by better: not believed.
    let known = 0;
    const copies = Math.max(1, Math.round(4e6 / half));
    for (let call = 0; call < 5; call++) known = Math.max(known, rate(copies));
    return (milliseconds) => rate(Math.max(1, Math.round((milliseconds * known) / 1000 / (2 * half))));
  };
}

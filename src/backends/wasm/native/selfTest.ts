/**
 * Small kernels in machine code beside WebAssembly, in a process of its own, which may crash: prints the kinds that give
 * other bytes, as JSON.
 *
 *     node dist/src/backends/wasm/native/selfTest.js
 */
import { WasmMemory } from '../memory.js';
import { differentKinds } from '../revectorizeCheck.js';
import { Native } from './native.js';

const memory = new WasmMemory(true);
const native = new Native(memory);
const plain = { simd: 'relaxed', shared: true } as const;
const bind = (code: Uint8Array) => native.bind(code);
const run = (work: () => Uint8Array) => work();
const different = differentKinds(plain, { ...plain, machine: native.target }, run, { memory, bind });
console.log(JSON.stringify({ different }));

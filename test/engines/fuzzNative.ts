/**
 * Runs kernels of random shapes and strides as machine code, between guard pages, beside WebAssembly, with seeds that were
 * not tried before. Exit code 1 if any gives other bytes; a read or write outside ends the process that made it.
 *
 *     npm run fuzz:native -- [seconds, default 60]        in Node 26.12, or with QUERN_NODES that names one
 */
import type { NativeFindings } from './nativeKernels.js';
import { ableNode, runScript } from './support.js';

const [, , seconds = '60'] = process.argv;
const round = 200;
const node = ableNode();
if (node === undefined) throw new Error('fuzz:native: neither this Node nor one of QUERN_NODES has node:ffi');
const end = performance.now() + Number(seconds) * 1000;
const first = Date.now() % 2 ** 31;
let seed = first;
for (; performance.now() < end; seed += round) {
  for (const [level, lanes] of [
    ['avx2', '8'],
    ['avx512', '16'],
  ] as const) {
    const words = [level, lanes, String(seed), String(round)];
    const findings = await runScript<NativeFindings>(node, './nativeKernels.js', { words });
    for (const different of findings.different) console.log(`${level}: ${different}`);
    if (findings.different.length > 0) process.exitCode = 1;
    if (findings.level === 'avx2') break;
  }
}
console.log(`${seed - first} cases, seeds from ${first}`);

/**
 * gpu.js, in Node. `npm run build` puts the package itself in the place of the import (bundle.ts), without the WebGPU binaries
 * of 85 MB that it depends on and that Quern does not use.
 */
// The default export is the whole of a CommonJS module, in Node, in bundles and in browsers alike.
import gpuJs from 'gpu.js';

export type { GPU, IKernelRunShortcut, Input } from 'gpu.js';
export default gpuJs;

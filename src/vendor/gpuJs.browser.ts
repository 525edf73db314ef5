/** gpu.js, in browsers: what bundlers take for `#gpu.js` there (`imports` of package.json). */
import gpuJs from 'gpu.js';

export default gpuJs;

/** Every op as a function of tensors, under the name that it has in plans. Most are methods of Tensor too. */
export { concatenate, pad } from './tensor/ops/assemble.js';
export { conv2d } from './tensor/ops/conv2d.js';
export { depthwiseConv2d } from './tensor/ops/depthwise.js';
export { gather, oneHot } from './tensor/ops/gather.js';
export { matmul } from './tensor/ops/matmul.js';
export { batchNormalize, layerNormalize } from './tensor/ops/normalize.js';
export {
  abs,
  add,
  cast,
  clip,
  divide,
  equal,
  erf,
  exp,
  floor,
  flush,
  gelu,
  greater,
  greaterEqual,
  leakyRelu,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  notEqual,
  power,
  relu,
  sigmoid,
  softplus,
  sqrt,
  square,
  subtract,
  tanh,
  where,
} from './tensor/ops/pointwise.js';
export { averagePool2d, globalAveragePool2d, maxPool2d } from './tensor/ops/pool.js';
export { argMax, max, mean, sum } from './tensor/ops/reduce.js';
export { logSoftmax, softmax, softmaxCrossEntropy } from './tensor/ops/softmax.js';
export {
  broadcastTo,
  expandDims,
  reshape,
  slice,
  squeeze,
  stopGradient,
  transpose,
} from './tensor/ops/views.js';

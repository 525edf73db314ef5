/** Measures of predictions. `metrics.mcnemar(a, b)`. */
export { accuracy } from './nn/losses.js';
export { type McNemar, mcnemar } from './report/metrics/mcnemar.js';
export { type Measures, measurePredictions } from './report/metrics/measures.js';
export { type Predictions, rightOnes } from './report/metrics/predictions.js';
export { measureRobustness, type Robustness } from './report/metrics/robustness.js';

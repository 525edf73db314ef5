/** What becomes of a learning rate over a training. `schedules.cosineDecay({ warmup: 0.05 })`. */
export { oneCycle } from './optimizers/oneCycle.js';
export { parseSchedule } from './optimizers/parse.js';
export {
  constantRate,
  cosineDecay,
  exponentialDecay,
  linearDecay,
  polynomialDecay,
  stepDecay,
  warmUp,
} from './optimizers/schedules.js';

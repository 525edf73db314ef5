/** Random numbers as graph: pure functions of a key. `random.normal([2, 3], random.key(1))`. */
export {
  type RandomKey as Key,
  randomKey as key,
  randomNormal as normal,
  randomUniform as uniform,
  subKey,
} from './tensor/random.js';

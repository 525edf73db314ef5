/** Initial values of parameters. `initializers.heNormal()`. */
export {
  constantValue,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  ones,
  truncatedNormal,
  uniform,
  zeros,
} from './nn/initializers.js';

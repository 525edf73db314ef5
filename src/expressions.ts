/** The language of pointwise ops. `expressions.call('exp', x)`. */
export { call, constantOf, type Expression } from './core/expression.js';

/** The leaves of graphs. `leaves.state('steps', [], 0, 'int32')`. */
export { constant, input, parameter, state } from './tensor/leaves.js';

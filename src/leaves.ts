/** What a graph begins with. `leaves.state('steps', [], 0, 'int32')`. */
export { constant, input, parameter, state } from './tensor/leaves.js';

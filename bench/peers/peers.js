/** Who is compared: for each library the settings among which its best is looked for. */

const python = process.env.PYTHON ?? 'python3';
const node = process.execPath;

/**
 * name and variant name a peer; command runs it; javascript: whether it is one of the JavaScript peers; models: the
 * seed models that it is tried with.
 */
export const peers = [
  ...['eager', 'compile', 'compile-autotune'].map((variant) => ({
    name: 'PyTorch',
    variant,
    command: [python, 'pytorch.py'],
  })),
  { name: 'JAX', variant: 'scan', command: [python, 'jax_peer.py'] },
  ...['graph', 'graph-xla'].map((variant) => ({
    name: 'TensorFlow',
    variant,
    command: [python, 'tensorflow_peer.py'],
  })),
  ...['fit', 'fit-xla'].map((variant) => ({
    name: 'Keras',
    variant,
    command: [python, 'tensorflow_peer.py'],
  })),
  ...['cpu', 'wasm'].map((variant) => ({
    name: 'tfjs',
    variant,
    command: [node, 'tfjs.js'],
    javascript: true,
  })),
  ...['single', 'workers'].map((variant) => ({
    name: 'jax-js',
    variant,
    command: [node, 'jaxjs.js'],
    javascript: true,
  })),
  ...['adam', 'sgd'].map((variant) => ({
    name: 'brain.js',
    variant,
    command: [node, 'brainjs.js'],
    javascript: true,
    models: ['mlp'],
  })),
  { name: 'ConvNetJS', variant: 'adadelta', command: [node, 'convnetjs.js'], javascript: true },
];

/**
 * Quern as it comes, in WebAssembly; and in its fastest setting: as machine code, where NODE26 names a Node of at least
 * 26.12; else, where NODE24 names one of at least 24, with the experimental option that joins vectors to 256 bits.
 */
const { NODE24, NODE26 } = process.env;
export const quern = [
  { name: 'Quern', variant: '', command: [node, 'quern.js'] },
  ...(NODE26 !== undefined
    ? [{ name: 'Quern', variant: 'native', command: [NODE26, 'quern.js'] }]
    : NODE24 !== undefined
      ? [{ name: 'Quern', variant: 'revectorized', command: [NODE24, 'quern.js'] }]
      : []),
];

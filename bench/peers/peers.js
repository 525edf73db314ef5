/** Who is compared: for each library the settings among which its best is looked for. */

const python = process.env.PYTHON ?? 'python3';
const node = process.execPath;

const residual = 'fashion-resnet';
const allModels = ['mlp', 'cnn', 'fashion-cnn'];

/**
 * name and variant name a peer; command runs it; javascript: whether it is one of the JavaScript peers; models: those that
 * it is tried with, by default the two seed models; epochs: whether it trains whole epochs in one call.
 */
export const peers = [
  ...['eager', 'compile', 'compile-autotune'].map((variant) => ({
    name: 'PyTorch',
    variant,
    command: [python, 'pytorch.py'],
    models: [...allModels, residual],
  })),
  { name: 'JAX', variant: 'scan', command: [python, 'jax_peer.py'], models: allModels },
  ...['graph', 'graph-xla'].map((variant) => ({
    name: 'TensorFlow',
    variant,
    command: [python, 'tensorflow_peer.py'],
    models: [...allModels, residual],
  })),
  ...['fit', 'fit-16', 'fit-16-xla'].map((variant) => ({
    name: 'Keras',
    variant,
    command: [python, 'tensorflow_peer.py'],
    models: [...allModels, residual],
    epochs: true,
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
 * Quern in WebAssembly, steps alone and as `fit` trains; and in its fastest setting: as machine code, where NODE26 names a
 * Node of at least 26.12; else, where NODE24 names one of at least 24, with the experimental option that joins vectors to
 * 256 bits.
 */
const { NODE24, NODE26 } = process.env;
const faster =
  NODE26 !== undefined ? ['native', NODE26] : NODE24 !== undefined ? ['revectorized', NODE24] : [];
export const quern = [
  { name: 'Quern', variant: '', command: [node, 'quern.js'] },
  { name: 'Quern', variant: 'fit', command: [node, 'quern.js'], epochs: true },
  ...(faster.length === 0
    ? []
    : [
        { name: 'Quern', variant: faster[0], command: [faster[1], 'quern.js'] },
        { name: 'Quern', variant: `${faster[0]}-fit`, command: [faster[1], 'quern.js'], epochs: true },
      ]),
];

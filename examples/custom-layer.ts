/**
 * Layers of one's own: a normalization with trainable values, and a residual block made of it. A layer is a function
 * of a tensor and a context; the context hands out what it needs by name, so parameters get their paths by themselves.
 */
import {
  conv2d,
  dense,
  describeLayer,
  globalAveragePool2d,
  type Layer,
  layer,
  Model,
  maxPool2d,
  registerLayer,
  relu,
  residual,
  restoreLayer,
  sequential,
  summarize,
  summaryTable,
} from '../src/index.js';

/** Normalizes every pixel over its channels (Ba, Kiros and Hinton 2016): x `[…, channels]`, the same shape out. */
const layerNormalization = (epsilon = 1e-3): Layer =>
  layer('example.layerNormalization', { epsilon }, (x, context) => {
    const channels = [x.shape.at(-1)!];
    const scale = context.parameter('scale', channels, 1);
    const offset = context.parameter('offset', channels, 0);
    const centered = x.subtract(x.mean(-1, true));
    const deviation = centered.square().mean(-1, true).add(epsilon).sqrt();
    return centered.divide(deviation).multiply(scale).add(offset);
  });

/** x + f(x) with the normalization first (He et al. 2016, "Identity Mappings"). */
const block = (filters: number): Layer =>
  residual(
    sequential([
      layerNormalization(),
      relu(),
      conv2d(filters, 3, { padding: 'same', kernelInitializer: 'heNormal' }),
    ]),
  );

const network = sequential([
  conv2d(16, 3, { padding: 'same' }),
  block(16),
  maxPool2d(2),
  block(16),
  globalAveragePool2d(),
  dense(10),
]);
const model = new Model(network, [28, 28, 1]);
console.log(summaryTable(summarize(model)));

// A model file finds the layer again by its kind.
registerLayer('example.layerNormalization', ({ epsilon }) => layerNormalization(epsilon as number));
const restored = new Model(restoreLayer(JSON.parse(JSON.stringify(describeLayer(network)))), [28, 28, 1]);
console.log(`restored from JSON: ${restored.parameters.map(({ name }) => name).join(', ')}`);

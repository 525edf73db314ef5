/** jax-js on its WebAssembly backend: valueAndGrad of the whole model and Adam, in one jit. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { batches, count, pixels, serve, trainingImages } from './protocol.js';
import { WebWorker } from './webWorker.js';

// the shapes of the weights, [in, out] and [out, in, height, width]: jax-js convolves NCHW
const shapes = {
  mlp: { w1: [784, 128], b1: [128], w2: [128, 128], b2: [128], w3: [128, 10], b3: [10] },
  cnn: {
    ...{ c1: [32, 1, 3, 3], d1: [32, 1, 1], c2: [64, 32, 3, 3], d2: [64, 1, 1] },
    ...{ w1: [1600, 128], b1: [128], w2: [128, 10], b2: [10] },
  },
};

await serve(async ({ model, variant, threads }) => {
  if (variant === 'workers') {
    globalThis.Worker = WebWorker;
    Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: threads } });
  }
  const {
    blockUntilReady,
    defaultDevice,
    init,
    jit,
    lax,
    nn,
    numpy: np,
    random,
    tree,
    valueAndGrad,
  } = await import('@jax-js/jax');
  await init('wasm');
  defaultDevice('wasm');

  const dense = (x, w, b) => np.dot(x, w).add(b);
  const pool = (x) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
  const convolve = (x, w, b) => lax.convGeneralDilated(x, w, [1, 1], 'VALID').add(b);
  const dropout = (x, rate, key) => {
    const keep = random.bernoulli(key, 1 - rate, x.shape);
    return np.where(keep, x.mul(1 / (1 - rate)), 0);
  };

  function predict(p, x, key) {
    if (model === 'mlp') {
      key.dispose();
      const hidden = nn.relu(dense(nn.relu(dense(x, p.w1, p.b1)), p.w2, p.b2));
      return dense(hidden, p.w3, p.b3);
    }
    const [first, second] = random.split(key, 2);
    const images = x.reshape([-1, 1, 28, 28]);
    const small = pool(nn.relu(convolve(images, p.c1, p.d1)));
    const smaller = pool(nn.relu(convolve(small, p.c2, p.d2)));
    const flat = dropout(smaller, 0.25, first).reshape([-1, 1600]);
    return dense(dropout(nn.relu(dense(flat, p.w1, p.b1)), 0.5, second), p.w2, p.b2);
  }

  const lossOf = (p, x, y, key) =>
    nn
      .logSoftmax(predict(p, x, key))
      .mul(nn.oneHot(y, 10))
      .sum()
      .mul(-1 / 128);

  const adam = (w, g, m, v, rate) => {
    const first = m.mul(0.9).add(g.ref.mul(0.1));
    const second = v.mul(0.999).add(g.ref.mul(g).mul(0.001));
    const change = first.ref.mul(rate).div(np.sqrt(second.ref).add(1e-7));
    return [w.sub(change), first, second];
  };

  const step = jit((p, m, v, images, labels, indices, rate, key) => {
    const x = images
      .slice(indices.ref)
      .astype(np.float32)
      .mul(1 / 255);
    const y = labels.slice(indices);
    const [loss, gradient] = valueAndGrad(lossOf)(tree.ref(p), x, y, key);
    const next = { p: {}, m: {}, v: {}, loss };
    for (const name of Object.keys(p)) {
      [next.p[name], next.m[name], next.v[name]] = adam(p[name], gradient[name], m[name], v[name], rate.ref);
    }
    rate.dispose();
    return next;
  });

  // the package does not export its package.json
  const folder = dirname(createRequire(import.meta.url).resolve('@jax-js/jax'));
  const { version } = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8'));

  const data = trainingImages();
  // there is no array of bytes
  const images = np.array(Float32Array.from(data.images)).reshape([count, pixels]);
  const labels = np.array(Int32Array.from(data.labels));
  const zeros = (shape) => np.zeros(shape);
  const make = (of) =>
    Object.fromEntries(Object.entries(shapes[model]).map(([name, shape]) => [name, of(shape)]));
  const weights = (shape) => {
    const inputs = shape.length === 4 ? shape[1] * shape[2] * shape[3] : shape[0];
    if (shape.length === 1 || shape.length === 3) return np.zeros(shape);
    return random.uniform(random.key(shape[0]), shape, {
      minval: -1 / Math.sqrt(inputs),
      maxval: 1 / Math.sqrt(inputs),
    });
  };
  let state = { p: make(weights), m: make(zeros), v: make(zeros) };
  let time = 0;
  const next = batches();

  return {
    version,
    settings:
      variant === 'workers' ? `wasm, ${threads} workers (a shim gives Node a Worker)` : 'wasm, one thread',
    steps: async (steps) => {
      let loss;
      for (let i = 0; i < steps; i++) {
        time++;
        const rate = np.array((0.001 * Math.sqrt(1 - 0.999 ** time)) / (1 - 0.9 ** time));
        const indices = np.array(next().slice());
        const {
          p,
          m,
          v,
          loss: last,
        } = step(...[state.p, state.m, state.v, images.ref, labels.ref, indices, rate, random.key(time)]);
        state = { p, m, v };
        // now and then, as its documentation says: what is pending takes memory
        if (i % 16 === 15) await blockUntilReady(state);
        loss?.dispose();
        loss = last;
      }
      return (await loss.data())[0];
    },
  };
});

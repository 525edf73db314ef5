import { gradients } from '../../src/tensor/gradients.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { multiply } from '../../src/tensor/ops/pointwise.js';
import { sum } from '../../src/tensor/ops/reduce.js';
import { everywhere } from './shared.js';

const batches = { full: [1, 4, 16, 64, 128], quick: [1, 4] };
const image = [14, 14, 16] as const;
const filter = [3, 3, 16, 32] as const;

export const bench = everywhere(
  'How fast is a convolution with its gradients on every backend and mode, and from what batch does each beat wasm?',
  'Convolution 3x3, 16 to 32 channels on 14x14, forward and both gradients',
  'images in a batch',
  (quick) =>
    batches[quick ? 'quick' : 'full'].map((batch) => {
      const gradient = [batch, image[0], image[1], filter[3]];
      return {
        size: batch,
        shapes: `${batch} of ${image.join('x')} to ${filter[3]}`,
        // three passes of 2 · positions · filter size
        flops: 3 * 2 * batch * image[0] * image[1] * filter.reduce((product, extent) => product * extent, 1),
        inputs: [[batch, ...image], [...filter], gradient],
        build: ([x, w, dy]) => {
          const y = conv2d(x!, w!, { padding: 'same' });
          return [y, ...gradients(sum(multiply(y, dy!)), [x!, w!])];
        },
      };
    }),
);

/**
 * What a page computes its layers with: plain loops, for one image. Each function goes into the page as its own text, so
 * none may use a name from outside itself.
 */

export interface PageArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface PageNode {
  readonly kind: string;
  readonly inputs: readonly string[];
  readonly name: string;
  /** Of the output. */
  readonly shape: readonly number[];
  /** Numbers by name: strides, padding in pixels as top and left, epsilon. */
  readonly options: Readonly<Record<string, readonly number[]>>;
}

export type PageWeights = Readonly<Record<string, PageArray | undefined>>;

/** One at least. */
export type PageInputs = readonly [PageArray, ...PageArray[]];

type PageOp = (inputs: PageInputs, node: PageNode, weights: PageWeights) => Float32Array;

/** Filters [height, width, in / groups, out] over [height, width, in]. */
const conv2d: PageOp = ([x], { name, shape, options }, { filter, bias }) => {
  if (!filter) throw new Error(`${name} has no filter`);
  const [height = 1, width = 1, channels = 1] = x.shape;
  const [rows = 1, columns = 1, filters = 1] = shape;
  const [kernelHeight = 1, kernelWidth = 1, inner = 1] = filter.shape;
  const [down = 1, across = 1] = options.strides ?? [];
  const [top = 0, left = 0] = options.padding ?? [];
  const [gapDown = 1, gapAcross = 1] = options.dilation ?? [];
  const perGroup = filters / (channels / inner);
  const out = new Float32Array(rows * columns * filters);
  const sums = new Float64Array(filters);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let f = 0; f < filters; f++) sums[f] = bias ? bias.data[f]! : 0;
      for (let i = 0; i < kernelHeight; i++) {
        const y = row * down - top + i * gapDown;
        if (y < 0 || y >= height) continue;
        for (let j = 0; j < kernelWidth; j++) {
          const z = column * across - left + j * gapAcross;
          if (z < 0 || z >= width) continue;
          const from = (y * width + z) * channels;
          for (let c = 0; c < inner; c++) {
            const weights = ((i * kernelWidth + j) * inner + c) * filters;
            if (perGroup === filters) {
              const value = x.data[from + c]!;
              if (value !== 0)
                for (let f = 0; f < filters; f++) sums[f]! += value * filter.data[weights + f]!;
            } else {
              for (let f = 0; f < filters; f++) {
                sums[f]! += x.data[from + Math.floor(f / perGroup) * inner + c]! * filter.data[weights + f]!;
              }
            }
          }
        }
      }
      out.set(sums, (row * columns + column) * filters);
    }
  }
  return out;
};

/** Filters [height, width, in, multiplier]: each channel by itself. */
const depthwiseConv2d: PageOp = ([x], { name, shape, options }, { filter, bias }) => {
  if (!filter) throw new Error(`${name} has no filter`);
  const [height = 1, width = 1, channels = 1] = x.shape;
  const [rows = 1, columns = 1, filters = 1] = shape;
  const [kernelHeight = 1, kernelWidth = 1] = filter.shape;
  const [down = 1, across = 1] = options.strides ?? [];
  const [top = 0, left = 0] = options.padding ?? [];
  const multiplier = filters / channels;
  const out = new Float32Array(rows * columns * filters);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let f = 0; f < filters; f++) {
        let sum = bias ? bias.data[f]! : 0;
        for (let i = 0; i < kernelHeight; i++) {
          const y = row * down - top + i;
          for (let j = 0; j < kernelWidth; j++) {
            const z = column * across - left + j;
            if (y < 0 || y >= height || z < 0 || z >= width) continue;
            const value = x.data[(y * width + z) * channels + Math.floor(f / multiplier)]!;
            sum += value * filter.data[(i * kernelWidth + j) * filters + f]!;
          }
        }
        out[(row * columns + column) * filters + f] = sum;
      }
    }
  }
  return out;
};

const dense: PageOp = ([x], { name, shape }, { kernel, bias }) => {
  if (!kernel) throw new Error(`${name} has no kernel`);
  const units = shape.at(-1) ?? 1;
  const width = x.shape.at(-1) ?? 1;
  const rows = x.data.length / width;
  const out = new Float32Array(rows * units);
  const sums = new Float64Array(units);
  for (let row = 0; row < rows; row++) {
    for (let u = 0; u < units; u++) sums[u] = bias ? bias.data[u]! : 0;
    for (let i = 0; i < width; i++) {
      const value = x.data[row * width + i]!;
      if (value !== 0) for (let u = 0; u < units; u++) sums[u]! += value * kernel.data[i * units + u]!;
    }
    out.set(sums, row * units);
  }
  return out;
};

const batchNorm: PageOp = ([x], { name, options }, { gamma, beta, movingMean, movingVariance }) => {
  if (!movingMean || !movingVariance) throw new Error(`${name} has no statistics`);
  const [epsilon = 0] = options.epsilon ?? [];
  const width = x.shape.at(-1) ?? 1;
  return x.data.map((value, i) => {
    const c = i % width;
    const scaled = (value - movingMean.data[c]!) / Math.sqrt(movingVariance.data[c]! + epsilon);
    return scaled * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
  });
};

const layerNorm: PageOp = ([x], { options }, { gamma, beta }) => {
  const [epsilon = 0] = options.epsilon ?? [];
  const width = x.shape.at(-1) ?? 1;
  const out = new Float32Array(x.data.length);
  for (let start = 0; start < out.length; start += width) {
    const row = x.data.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    for (let c = 0; c < width; c++) {
      const normal = (row[c]! - mean) / Math.sqrt(variance + epsilon);
      out[start + c] = normal * (gamma ? gamma.data[c]! : 1) + (beta ? beta.data[c]! : 0);
    }
  }
  return out;
};

const affine: PageOp = ([x], _node, { gain, offset }) => {
  const width = x.shape.at(-1) ?? 1;
  return x.data.map(
    (value, i) => value * (gain ? gain.data[i % width]! : 1) + (offset ? offset.data[i % width]! : 0),
  );
};

/** The largest of each window, or the mean of what of it lies in the image. */
const pool2d: PageOp = ([x], { kind, shape, options }) => {
  const [height = 1, width = 1, channels = 1] = x.shape;
  const [rows = 1, columns = 1] = shape;
  const [windowHeight = 1, windowWidth = 1] = options.window ?? [];
  const [down = 1, across = 1] = options.strides ?? [];
  const [top = 0, left = 0] = options.padding ?? [];
  const largest = kind === 'maxPool2d';
  const out = new Float32Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let c = 0; c < channels; c++) {
        let best = Number.NEGATIVE_INFINITY;
        let sum = 0;
        let count = 0;
        for (let i = 0; i < windowHeight; i++) {
          for (let j = 0; j < windowWidth; j++) {
            const [y, z] = [row * down - top + i, column * across - left + j];
            if (y < 0 || y >= height || z < 0 || z >= width) continue;
            const value = x.data[(y * width + z) * channels + c]!;
            best = Math.max(best, value);
            sum += value;
            count++;
          }
        }
        out[(row * columns + column) * channels + c] = largest ? best : sum / count;
      }
    }
  }
  return out;
};

const globalPool2d: PageOp = ([x], { kind, shape }) => {
  const [channels = 1] = shape;
  const largest = kind === 'globalMaxPool2d';
  const out = new Float32Array(channels).fill(largest ? Number.NEGATIVE_INFINITY : 0);
  const pixels = x.data.length / channels;
  x.data.forEach((value, i) => {
    const c = i % channels;
    out[c] = largest ? Math.max(out[c]!, value) : out[c]! + value / pixels;
  });
  return out;
};

const same: PageOp = ([x]) => x.data;

const permute: PageOp = ([x], { shape, options }) => {
  const axes = options.axes ?? [];
  const steps = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return x.data.map((_, i) => {
    let rest = i;
    let from = 0;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]!) * steps[axes[axis]! - 1]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return x.data[from]!;
  });
};

const zeroPad2d: PageOp = ([x], { shape, options }) => {
  const [height = 1, width = 1, channels = 1] = x.shape;
  const [top = 0, left = 0] = options.padding ?? [];
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let row = 0; row < height; row++) {
    const from = x.data.subarray(row * width * channels, (row + 1) * width * channels);
    out.set(from, ((row + top) * shape[1]! + left) * channels);
  }
  return out;
};

const softmax: PageOp = ([x]) => {
  const width = x.shape.at(-1) ?? 1;
  const out = new Float32Array(x.data.length);
  for (let start = 0; start < out.length; start += width) {
    const row = x.data.subarray(start, start + width);
    const best = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((total, value) => total + Math.exp(value - best), 0);
    for (let c = 0; c < width; c++) out[start + c] = Math.exp(row[c]! - best) / sum;
  }
  return out;
};

/** Functions of one number. */
const pointwise: PageOp = ([x], { kind, options }) => {
  const [a = 1, b = 1] = options.numbers ?? [];
  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  const hard = (value: number, slope: number, offset: number) =>
    Math.min(1, Math.max(0, slope * value + offset));
  // Abramowitz and Stegun 7.1.26: an error below 1.5e-7
  const erf = (value: number) => {
    const t = 1 / (1 + 0.3275911 * Math.abs(value));
    const sum =
      t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return Math.sign(value) * (1 - sum * Math.exp(-value * value));
  };
  const below = (value: number, alpha: number) => (value > 0 ? value : alpha * (Math.exp(value) - 1));
  const functions: Readonly<Record<string, (value: number) => number>> = {
    relu: (value) => Math.max(0, value),
    leakyRelu: (value) => (value > 0 ? value : a * value),
    sigmoid,
    tanh: Math.tanh,
    gelu: (value) => 0.5 * value * (1 + erf(value * Math.SQRT1_2)),
    silu: (value) => value * sigmoid(value),
    elu: (value) => below(value, a),
    selu: (value) => 1.0507009873554805 * below(value, 1.6732632423543772),
    clip: (value) => Math.min(b, Math.max(a, value)),
    hardSigmoid: (value) => hard(value, a, b),
    hardSilu: (value) => value * hard(value, 1 / 6, 0.5),
    softsign: (value) => value / (1 + Math.abs(value)),
    softplus: (value) => Math.max(0, value) + Math.log1p(Math.exp(-Math.abs(value))),
  };
  return x.data.map(functions[kind]!);
};

const concatenate: PageOp = (inputs, { shape }) => {
  const width = shape.at(-1) ?? 1;
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let start = 0;
  for (const { shape: own, data } of inputs) {
    const part = own.at(-1) ?? 1;
    data.forEach((value, i) => {
      out[Math.floor(i / part) * width + start + (i % part)] = value;
    });
    start += part;
  }
  return out;
};

/** Several values element by element; one of extent 1 along an axis is stretched. */
const join: PageOp = (inputs, { kind, shape }) => {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const at = (own: readonly number[], i: number) => {
    let rest = i;
    let place = 0;
    let step = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (own[axis] !== 1) place += (rest % shape[axis]!) * step;
      step *= own[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return place;
  };
  const functions: Readonly<Record<string, (a: number, b: number) => number>> = {
    add: (a, b) => a + b,
    average: (a, b) => a + b,
    subtract: (a, b) => a - b,
    multiply: (a, b) => a * b,
    maximum: Math.max,
    minimum: Math.min,
  };
  const f = functions[kind]!;
  for (let i = 0; i < out.length; i++) {
    const values = inputs.map(({ shape: own, data }) => data[at(own, i)]!);
    const joined = values.reduce((a, b) => f(a, b));
    out[i] = kind === 'average' ? joined / values.length : joined;
  }
  return out;
};

export const pageOps = {
  conv2d,
  depthwiseConv2d,
  dense,
  batchNorm,
  layerNorm,
  affine,
  pool2d,
  globalPool2d,
  same,
  permute,
  zeroPad2d,
  softmax,
  pointwise,
  concatenate,
  join,
} satisfies Readonly<Record<string, PageOp>>;

export type PageOps = typeof pageOps;

/** The op of each kind of layer. */
export const opOf: Readonly<Record<string, keyof PageOps>> = {
  ...{ conv2d: 'conv2d', depthwiseConv2d: 'depthwiseConv2d', dense: 'dense' },
  ...{ batchNorm: 'batchNorm', layerNorm: 'layerNorm', affine: 'affine' },
  ...{ maxPool2d: 'pool2d', averagePool2d: 'pool2d' },
  ...{ globalAveragePool2d: 'globalPool2d', globalMaxPool2d: 'globalPool2d' },
  ...{ flatten: 'same', reshape: 'same', dropout: 'same' },
  ...{ permute: 'permute', zeroPad2d: 'zeroPad2d', softmax: 'softmax', concatenate: 'concatenate' },
  ...Object.fromEntries(
    [
      ...['relu', 'leakyRelu', 'sigmoid', 'tanh', 'gelu', 'silu', 'elu', 'selu', 'clip'],
      ...['hardSigmoid', 'hardSilu', 'softsign', 'softplus'],
    ].map((kind) => [kind, 'pointwise' as const]),
  ),
  ...Object.fromEntries(
    ['add', 'subtract', 'multiply', 'maximum', 'minimum', 'average'].map((kind) => [kind, 'join' as const]),
  ),
};

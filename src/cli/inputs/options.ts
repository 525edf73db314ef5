/** Options that several commands share, and the checks of their values. */

import { UsageError } from '../../core/errors.js';
import { backendNames } from '../../engine/choose.js';
import { type BackendOptions, type NativeOption, nativeOptions } from '../../engine/options.js';
import type { Preparation } from '../../queue/job.js';

/** What yargs hands to a coercion: all numbers of an option that is given several times. */
type Given = number | readonly number[] | undefined;

/** The number, for an option that is to be given once. */
function once(option: string, value: Given): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  throw new UsageError(`--${option} is given more than once`);
}

/** A coercion for yargs: a whole number of at least `least`, and at most `most` if one is given. */
export function whole(option: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  return (given: Given): number | undefined => {
    const value = once(option, given);
    if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return value;
    const bounded = most < Number.MAX_SAFE_INTEGER || value > most;
    const range = bounded ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new UsageError(`--${option} must be a whole number ${range}`);
  };
}

/** A coercion for yargs: a number above 0, and below `limit` if one is given. */
export function positive(option: string, limit = Number.POSITIVE_INFINITY) {
  return (given: Given): number | undefined => {
    const value = once(option, given);
    if (value === undefined || (value > 0 && value < limit)) return value;
    const range = limit === Number.POSITIVE_INFINITY ? 'above 0' : `between 0 and ${limit}`;
    throw new UsageError(`--${option} must be a number ${range}`);
  };
}

/** A coercion for yargs, of an option that may be given several times: `--set units=64 --set dropout=0.1`. */
export function assignments(option: string) {
  return (given: string | readonly string[] | undefined): Readonly<Record<string, string>> | undefined => {
    if (given === undefined) return undefined;
    const pairs = (typeof given === 'string' ? [given] : given).map((text) => {
      const at = text.indexOf('=');
      if (at < 1 || at === text.length - 1)
        throw new UsageError(`--${option} must be a name and what it shall be, such as units=64: ${text}`);
      return [text.slice(0, at), text.slice(at + 1)] as const;
    });
    const twice = pairs.find(([name], i) => pairs.findIndex(([other]) => other === name) !== i);
    if (twice !== undefined) throw new UsageError(`--${option} ${twice[0]} is given more than once`);
    return Object.fromEntries(pairs);
  };
}

/** Puts options under a heading of their own in a command's help. */
export function grouped<T extends Readonly<Record<string, object>>>(
  group: string,
  options: T,
): { readonly [name in keyof T]: T[name] & { readonly group: string } } {
  const pairs = Object.entries(options).map(([name, option]) => [name, { ...option, group: `${group}:` }]);
  return Object.fromEntries(pairs) as { readonly [name in keyof T]: T[name] & { readonly group: string } };
}

export const backendOptions = grouped('What computes', {
  backend: {
    requiresArg: true,
    choices: backendNames,
    default: 'auto' as const,
    describe: 'what computes; auto goes by what quern doctor has measured, else takes wasm',
  },
  'gpu-mode': {
    string: true,
    requiresArg: true,
    describe:
      'mode of gpu.js, for --backend gpu: webgpu, webgl2, webgl, headlessgl, webasm or cpu; default: the first on hardware',
  },
  threads: {
    number: true,
    requiresArg: true,
    coerce: whole('threads', 1),
    describe: 'worker threads, for --backend wasm',
  },
  native: {
    requiresArg: true,
    choices: nativeOptions,
    describe:
      'machine code with vectors of 256 or 512 bits, for --backend wasm on Linux x64 in Node 26.12, Deno or Bun; same results, faster; default: QUERN_NATIVE, else auto',
  },
  revectorize: {
    boolean: true,
    default: false,
    describe: 'experimental, for --backend wasm in Node 24 and later: 256-bit vectors; same results, faster',
  },
  tune: {
    boolean: true,
    default: false,
    describe: 'for --backend wasm: measure once which way each kernel is fastest; same results',
  },
} as const);

export const dataOptions = grouped('Datasets', {
  'data-dir': {
    string: true,
    requiresArg: true,
    describe: 'look for datasets in this folder, and nowhere else',
  },
  offline: { boolean: true, default: false, describe: 'never download' },
} as const);

/** Options about images of one's own, where they do not tell it themselves. */
export const preparationOptions = grouped('Images of your own', {
  'stored-shape': {
    string: true,
    requiresArg: true,
    describe: 'height, width and channels of images that are stored as lists of pixels, such as 20x30x1',
  },
  label: {
    string: true,
    requiresArg: true,
    describe: 'the column of labels of a CSV file: its name, or its number from 1',
  },
  'pixel-range': {
    string: true,
    requiresArg: true,
    describe: 'the numbers that are black and white, such as 0,16; default: what the numbers tell',
  },
  invert: { boolean: true, describe: 'dark on bright becomes bright on dark, as MNIST is' },
  'center-digits': {
    boolean: true,
    describe: "bring digits to the place and size that they have in MNIST's images",
  },
  'skip-bad': { boolean: true, describe: 'leave out pictures and lines that cannot be read, and name them' },
} as const);

export const dataPathOption = grouped('Images of your own', {
  data: {
    string: true,
    requiresArg: true,
    describe: 'images of your own: a folder with a folder of pictures per class, a CSV, npz or idx file',
  },
} as const);

export const imageShapeOption = grouped('Images of your own', {
  'image-shape': {
    string: true,
    requiresArg: true,
    describe: "what they are resized to, such as 32x32x3; default: the form of the recipe's dataset",
  },
} as const);

export const ownDataOption = { ...dataPathOption, ...preparationOptions } as const;

export const ownDataOptions = { ...ownDataOption, ...imageShapeOption } as const;

export const importOption = {
  import: {
    string: true,
    requiresArg: true,
    describe: 'run this recipe file for layers of your own; one that you have trained with needs no word',
  },
} as const;

export const jsonOption = grouped('Output', {
  json: { boolean: true, default: false, describe: 'print one JSON object' },
} as const);

/** Of commands that serve a page. */
export const portOption = {
  port: {
    number: true,
    requiresArg: true,
    default: 0,
    coerce: whole('port', 0, 65_535),
    defaultDescription: 'any that is free',
    describe: 'of the page, on 127.0.0.1',
  },
} as const;

export const quietOption = grouped('Output', {
  quiet: { boolean: true, default: false, describe: 'no progress' },
} as const);

export interface BackendArguments {
  readonly backend: NonNullable<BackendOptions['backend']>;
  readonly gpuMode?: string | undefined;
  readonly threads?: number | undefined;
  readonly native?: NativeOption | undefined;
  readonly revectorize?: boolean | undefined;
  readonly tune?: boolean | undefined;
}

export interface OwnDataArguments extends Preparation {
  /** Path of data of one's own. */
  readonly data?: string | undefined;
  /** The shape to which images are brought, such as `32x32x3`. */
  readonly imageShape?: string | undefined;
}

export interface DataArguments {
  readonly dataDir?: string | undefined;
  readonly offline: boolean;
}

export const modelDescription =
  'a run folder, its model.safetensors, or a model of ONNX, Keras, PyTorch or tfjs (docs/formats.md)';

/** Options for what a file of another format leaves open. */
export const foreignOptions = grouped('Models of other formats', {
  pixels: {
    string: true,
    requiresArg: true,
    describe:
      'for models of other formats: what their input is made of, 0..1, 0..255, -1..1 or MEAN,DEVIATION',
  },
  recipe: {
    string: true,
    requiresArg: true,
    describe:
      'for tensors without an architecture (.pt, .pth, .weights.h5): the recipe whose layers they fill',
  },
  epsilon: {
    number: true,
    requiresArg: true,
    describe: 'for them: epsilon of batch normalization; default 1e-5, as in PyTorch',
  },
} as const);

export interface ForeignArguments {
  readonly pixels?: string | undefined;
  readonly recipe?: string | undefined;
  readonly epsilon?: number | undefined;
}

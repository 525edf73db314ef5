/** Initializers by name, as layers and model files have them. */
import { ModelError, UsageError } from '../core/errors.js';
import { type Shape, sizeOf } from '../core/shape.js';
import type { Initializer } from '../tensor/leaves.js';
import {
  constantValue,
  describedAs,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type InitializerDescription,
  type InitializerName,
  type NamedInitializer,
  ones,
  truncatedNormal,
  uniform,
  zeros,
} from './initializers.js';

/**
 * The initial value of a layer's parameter: a name (`'heUniform'`), an initializer (`uniform(-1, 1)`), or a
 * function of your own. A model file names the first two; in place of a function of your own it holds `'custom'`, and
 * the restored layer's values are NaN until the weights are loaded, so that forgotten ones cannot pass unnoticed.
 */
export type InitializerOption = InitializerDescription | Initializer;

const byName: Readonly<Record<InitializerName, () => NamedInitializer>> = {
  zeros,
  ones,
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
};

type Options = Readonly<Record<string, string | number | undefined>>;

const withOptions: Readonly<Record<string, (options: Options) => NamedInitializer>> = {
  constantValue: ({ value }) => constantValue(value as number),
  uniform: ({ low, high }) => uniform(low as number, high as number),
  truncatedNormal: ({ mean, deviation }) => truncatedNormal(mean as number, deviation as number),
};

const notANumber: Initializer = (shape: Shape) => new Float32Array(sizeOf(shape)).fill(Number.NaN);

/**
 * The initializer that an option means, with the description for model files.
 *
 * @param what names the option in the error
 * @throws UsageError for an unknown name, ModelError for a description that is none
 */
export function resolveInitializer(what: string, option: InitializerOption): NamedInitializer {
  if (typeof option === 'function') {
    return describedAs('description' in option ? (option as NamedInitializer).description : 'custom', option);
  }
  if (option === 'custom') return describedAs('custom', notANumber);
  if (typeof option === 'string') {
    if (Object.hasOwn(byName, option)) return byName[option]();
    throw new UsageError(`${what}: there is no initializer '${option}': ${Object.keys(byName).join(', ')}`, {
      hint: 'Initializers with options are functions: uniform(-1, 1).',
    });
  }
  // options come from files too, where anything may stand
  const { name, ...options } = (typeof option === 'object' && option !== null ? option : {}) as Options;
  if (typeof name !== 'string' || !Object.hasOwn(withOptions, name)) {
    throw new ModelError(
      `${what}: describes no initializer: the names are ${Object.keys(withOptions).join(', ')}`,
    );
  }
  return withOptions[name]!(options);
}

/** What Quern writes of a model into files of other formats, beside what they have a place for. */
import { list, members, number, parseJson, type Schema, text } from '../core/schema.js';
import type { ModelDetails } from '../training/files/modelFile.js';

/** As JSON. */
export function detailsText({
  classes,
  normalization,
  dataset,
  recipe,
  weightAveraging,
  numerics,
}: ModelDetails): string {
  return JSON.stringify({ classes, normalization, dataset, recipe, weightAveraging, numerics });
}

/**
 * Reads what `detailsText` has written. Others may have changed it, so each part is taken where it is sound.
 *
 * @param what names the file in errors
 */
export function parseDetails(json: string, what: string): Partial<ModelDetails> {
  const found = parseJson(json, `${what}: quern`, members);
  const optional = <T>(name: string, check: Schema<T>) =>
    found[name] === undefined ? {} : { [name]: check(found[name], `${what}: quern.${name}`) };
  return {
    ...optional('classes', list(text(), 1, 100_000)),
    ...optional('normalization', (part, path) => {
      const { mean, deviation } = members(part, path);
      return { mean: number()(mean, `${path}.mean`), deviation: number()(deviation, `${path}.deviation`) };
    }),
    ...optional('dataset', text()),
    ...optional('recipe', text()),
    ...optional('weightAveraging', number()),
    ...optional('numerics', text()),
  };
}

/** Published accuracies: `data/references.json`. */
import { fileURLToPath } from 'node:url';
import { DataError } from '../core/errors.js';
import { boolean, list, number, object, text } from '../core/schema.js';
import { readJson } from './files.js';
import type { Sample } from './statistics.js';

/** A test accuracy that somebody has published. */
export interface PublishedReference {
  readonly dataset: string;
  readonly model: string;
  /** In percent, as it was published. */
  readonly testAccuracy: number;
  readonly trainAccuracy?: number | undefined;
  readonly source: string;
  /** Where the source is to be read. */
  readonly url?: string | undefined;
  /** How it was trained. */
  readonly recipe?: string | undefined;
  readonly note?: string | undefined;
  /** Standard deviation over its own runs, in percentage points. */
  readonly std?: number | undefined;
  /** It is of one of the two projects that Quern follows. */
  readonly seed?: boolean | undefined;
}

const percentage = number(0, 100);

const checkReferences = object<{ about: string; references: PublishedReference[] }>(
  {
    about: text(),
    references: list(
      object<PublishedReference>(
        { dataset: text(), model: text(), testAccuracy: percentage, source: text() },
        {
          url: text(/^https:\/\/\S+$/, 'an https address'),
          trainAccuracy: percentage,
          recipe: text(),
          note: text(),
          std: percentage,
          seed: boolean,
        },
      ),
    ),
  },
  {},
);

// From dist/src/runs/ to the root of the package, in the repository as in an installation.
const ownPath = fileURLToPath(new URL('../../../data/references.json', import.meta.url));

/**
 * The published accuracies of a dataset, the best first.
 *
 * @throws DataError naming the file and the member that is wrong
 */
export async function readReferences(dataset: string, path = ownPath): Promise<PublishedReference[]> {
  const json = await readJson(path);
  if (json === undefined) throw new DataError(`${path}: cannot be read: there is no such file`);
  const { references } = checkReferences(json, path);
  return references
    .filter((reference) => reference.dataset === dataset)
    .sort((a, b) => b.testAccuracy - a.testAccuracy);
}

export type Verdict = 'above' | 'matched' | 'below';

/**
 * How measured accuracies compare with a published one: matched where the 95% interval of their mean contains it. A
 * sample without an interval is only above or below, or matched where it is the same number.
 *
 * @param sample of accuracies from 0 to 1
 * @param published from 0 to 1
 */
export function judge({ mean, interval }: Pick<Sample, 'mean' | 'interval'>, published: number): Verdict {
  const [low, high] = interval ?? [mean, mean];
  if (low > published) return 'above';
  return high < published ? 'below' : 'matched';
}

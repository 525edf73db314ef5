/** Reads names of files, folders, columns and arrays: their part, and whether they are images or labels. */
export type Part = 'train' | 'validation' | 'test';

export const partNames: readonly Part[] = ['train', 'validation', 'test'];

/** Images to … with. */
export const verbs: Readonly<Record<Part, string>> = { train: 'train', validation: 'validate', test: 'test' };

const words: Readonly<Record<Part, readonly string[]>> = {
  train: ['train', 'training', 'trn', 'tr'],
  validation: ['val', 'valid', 'validation', 'validate', 'dev'],
  test: ['test', 'testing', 'tst', 'te', 't10k', 'eval', 'evaluation', 'holdout'],
};

const imageWords = [
  'x',
  'image',
  'images',
  'img',
  'imgs',
  'picture',
  'pictures',
  'pixels',
  'data',
  'features',
  'inputs',
];
const labelWords = [
  'y',
  'label',
  'labels',
  'target',
  'targets',
  'class',
  'classes',
  'lbl',
  'digit',
  'digits',
];

/** Words that may stand beside the name of a part without changing its meaning. */
const fillers = [...imageWords, ...labelWords, 'set', 'split', 'dataset', 'samples'];

/** `X_train`, `trainImages` and `mnist-test2` in words: x train, train images, mnist test. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => (word === 't10k' ? word : word.replace(/\d+$/, '')))
    .filter((word) => word !== '')
    .flatMap(splitJoined);
}

/** `xtrain`, `trainset` and `testlabels` as the two words that they are. */
function splitJoined(word: string): string[] {
  const all = [...Object.values(words).flat(), ...fillers];
  if (all.includes(word)) return [word];
  for (const part of Object.values(words).flat()) {
    if (part.length < 3) continue;
    if (word.startsWith(part) && fillers.includes(word.slice(part.length)))
      return [part, word.slice(part.length)];
    if (word.endsWith(part) && fillers.includes(word.slice(0, -part.length)))
      return [word.slice(0, -part.length), part];
  }
  return [word];
}

/** The part that a name tells of; undefined where it tells none, or several. */
export function partOf(name: string): Part | undefined {
  const own = wordsOf(name);
  const told = partNames.filter((part) => own.some((word) => words[part].includes(word)));
  return told.length === 1 ? told[0] : undefined;
}

/** Tells whether nothing but a part is told: `Training`, `test_images`, but not `mnist_test`. */
export function isPartAlone(name: string): boolean {
  const part = partOf(name);
  if (part === undefined) return false;
  return wordsOf(name).every((word) => words[part].includes(word) || fillers.includes(word));
}

/** Tells whether a name tells of images or of labels. */
export function roleOf(name: string): 'images' | 'labels' | undefined {
  const own = wordsOf(name);
  const [images, labels] = [imageWords, labelWords].map((list) => own.some((word) => list.includes(word)));
  if (labels) return 'labels';
  return images ? 'images' : undefined;
}

/** Drops the words for images and labels from a name: the rest is equal for two that belong together. */
export const pairKey = (name: string): string =>
  wordsOf(name)
    .filter((word) => !imageWords.includes(word) && !labelWords.includes(word))
    .join(' ');

/** Columns of tables that number their rows. */
export const isIndexName = (name: string): boolean =>
  /^(|unnamed: ?\d+|index|idx|id|row|row_?id|image_?id|no\.?|nr\.?|#)$/i.test(name.trim());

/** Names of columns of labels, the surest first. */
export const labelNames = [
  'label',
  'class',
  'target',
  'y',
  'labels',
  'classes',
  'category',
  'digit',
  'letter',
];

/** A label as classes are called: text in one form of Unicode, whole numbers without a fraction. */
export const className = (label: string): string =>
  label
    .trim()
    .normalize('NFC')
    .replace(/^(-?\d+)\.0+$/, '$1');

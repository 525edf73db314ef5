/** Guesses at the known word that an unknown one was meant to be. */

/**
 * Damerau and Levenshtein's distance in the form of optimal string alignment: letters that are inserted, left out, replaced
 * or exchanged with their neighbor.
 */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The form in which words are compared: `batch_size`, `batchSize` and `batch-size` are one. */
const plain = (word: string) => word.toLowerCase().replace(/[-_ ]/g, '');

/** How far a known word is from a given one; Infinity where nobody would have meant it. */
function farness(given: string, known: string): number {
  const [a, b] = [plain(given), plain(known)];
  const far = distance(a, b);
  if (far <= Math.max(1, Math.floor(Math.min(a.length, b.length) / 3))) return far;
  // a beginning that is misspelled: `fashon` for `fashion-mnist`
  const first = known.slice(0, Math.max(0, known.search(/[-_ ]/))).toLowerCase();
  if (first.length >= 4 && distance(a, first) <= 1) return far / 8 + 2;
  // a beginning, or a name without its first part: `speedrun` for `mnist-speedrun`
  if (a.length >= 3 && (b.startsWith(a) || b.endsWith(a))) return far / 8 + 2;
  return Number.POSITIVE_INFINITY;
}

/** The known word that is most like the given one, the first of several; undefined where none is like it. */
export function closest(given: string, known: readonly string[]): string | undefined {
  let found: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const word of known) {
    const far = farness(given, word);
    if (far < least) [found, least] = [word, far];
  }
  return found;
}

/**
 * The hint of an error about an unknown word: `{ hint: 'Did you mean train?' }`; without one where no known word is like
 * it.
 *
 * @param shown how the word is written where it is used; default: as it is
 */
export function didYouMean(
  given: string,
  known: readonly string[],
  shown: (word: string) => string = (word) => word,
): { hint?: string } {
  const word = closest(given, known);
  return word === undefined ? {} : { hint: `Did you mean ${shown(word)}?` };
}

/** Predictions, as text and as lines of a CSV file. */
import { UsageError } from '../../../core/errors.js';
import { at } from '../../../core/lists.js';
import { percent } from '../../terminal/format.js';
import { oneLine } from '../../terminal/output.js';

/** The prediction for one image. */
export interface Prediction {
  readonly image: string;
  /** Name of the most probable class. */
  readonly class: string;
  /** It seems to be dark on bright, for a model of bright on dark. */
  readonly inverted: boolean;
  /** In the order of the classes. */
  readonly probabilities: readonly number[];
}

/** The most probable classes and their probabilities, the first one first. */
function mostProbable(
  { probabilities }: Prediction,
  classes: readonly string[],
  count: number,
): { readonly name: string; readonly probability: number }[] {
  const order = probabilities
    .map((_, i) => i)
    .sort((a, b) => at(probabilities, b) - at(probabilities, a) || a - b);
  return order.slice(0, count).map((i) => ({ name: at(classes, i), probability: at(probabilities, i) }));
}

/** Every class with its probability, a line each. */
export function predictionText({ image, probabilities }: Prediction, classes: readonly string[]): string {
  const names = classes.map(oneLine);
  const width = Math.max(...names.map((name) => name.length));
  const best = Math.max(...probabilities);
  const lines = names.map((name, i) => {
    const share = percent(at(probabilities, i)).padStart(7);
    return `  ${name.padEnd(width)} ${share}${probabilities[i] === best ? '  <' : ''}`;
  });
  return [oneLine(image), ...lines].join('\n');
}

/** One line: `digits/1.png  7 98.20%, 9 1.10%`. */
export function predictionLine(prediction: Prediction, classes: readonly string[], top: number): string {
  const told = mostProbable(prediction, classes, top).map(
    ({ name, probability }) => `${oneLine(name)} ${percent(probability)}`,
  );
  return `${oneLine(prediction.image)}  ${told.join(', ')}`;
}

/** A field of a CSV file (RFC 4180). */
const field = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const csvLine = (fields: readonly string[]) => `${fields.map(field).join(',')}\n`;

/** How lines of a CSV file are made. */
interface CsvForm {
  readonly header: string;
  readonly line: (prediction: Prediction) => string;
}

/**
 * Image, class and probability, as many times as classes are asked for; with names of columns the image and the class
 * alone, or with the probability where three are named.
 *
 * @throws UsageError for other numbers of columns
 */
export function csvForm(columns: string | undefined, top: number, classes: readonly string[]): CsvForm {
  const fields = (prediction: Prediction) => [
    prediction.image,
    ...mostProbable(prediction, classes, top).flatMap(({ name, probability }) => [
      name,
      probability.toFixed(6),
    ]),
  ];
  if (columns === undefined) {
    const count = Math.min(top, classes.length);
    const numbered = (name: string, i: number) => (count === 1 ? name : `${name}_${i + 1}`);
    const names = Array.from({ length: count }, (_, i) => [numbered('class', i), numbered('probability', i)]);
    return { header: csvLine(['image', ...names.flat()]), line: (prediction) => csvLine(fields(prediction)) };
  }
  const names = columns.split(',').map((name) => name.trim());
  if (names.length < 2 || names.length > 3 || names.includes('')) {
    throw new UsageError(
      `--columns names two columns, image and class, or three with the probability, such as ImageId,Label: got ${columns}`,
    );
  }
  if (top > 1) throw new UsageError('--columns and --top do not go together: one class stands in a line');
  return {
    header: csvLine(names),
    line: (prediction) => csvLine(fields(prediction).slice(0, names.length)),
  };
}

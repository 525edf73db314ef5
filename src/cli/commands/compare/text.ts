/** A comparison for people: in the terminal, and as Markdown. */
import type { RecipeComparison } from '../../../runs/comparison.js';
import type { RunConfig } from '../../../runs/config.js';
import { clock, grouped, percent } from '../../terminal/format.js';
import { markdownTable, type Table, textTable } from '../../terminal/table.js';

/** Everything that `quern compare` writes. */
export interface Comparison {
  readonly recipes: readonly RecipeComparison[];
  readonly seeds: readonly number[];
  /** For trying out; null where all was used. */
  readonly limit: number | null;
  readonly epochs: number | null;
  readonly versions: RunConfig['versions'];
  readonly machine: RunConfig['machine'];
  /** ISO 8601, UTC. */
  readonly written: string;
}

const points = (share: number) => (share * 100).toFixed(2);
/** Of a few seeds that differ much it may reach beyond what there is. */
const intervalText = ([low, high]: readonly [number, number]) =>
  `${points(Math.max(0, low))} to ${points(Math.min(1, high))}`;
const orDash = <T>(value: T | null, print: (value: T) => string) => (value === null ? '-' : print(value));

function targetText({ target, targetMet }: RecipeComparison): string {
  if (target === null) return '-';
  return `${percent(target)} ${targetMet === null ? 'not judged' : targetMet ? 'reached' : 'missed'}`;
}

function overview(recipes: readonly RecipeComparison[]): Table {
  return {
    header: [
      'recipe',
      'seeds',
      'mean',
      'deviation',
      '95% interval',
      'target',
      'parameters',
      'multiply-adds',
      'time a seed',
    ],
    alignments: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows: recipes.map((recipe) => [
      recipe.recipe,
      String(recipe.seeds.length),
      orDash(recipe.accuracy, ({ mean }) => percent(mean)),
      orDash(recipe.accuracy?.deviation ?? null, points),
      orDash(recipe.accuracy?.interval ?? null, intervalText),
      targetText(recipe),
      orDash(recipe.parameters, grouped),
      orDash(recipe.multiplyAdds, grouped),
      orDash(recipe.trainSeconds, ({ mean }) => clock(mean)),
    ]),
  };
}

function ladder({ references }: RecipeComparison): Table {
  return {
    header: ['this recipe is', 'published', 'model', 'source', 'how it was trained'],
    alignments: ['left', 'right'],
    rows: references.map(({ verdict, testAccuracy, std, model, source, recipe, note }) => [
      verdict,
      `${testAccuracy.toFixed(2)}%${std === undefined ? '' : ` ± ${std}`}`,
      model,
      source,
      [recipe, note].filter((part) => part !== undefined).join('; ') || '-',
    ]),
  };
}

function remarks({ recipes, limit, epochs }: Comparison): string[] {
  const tried = [
    ...(limit === null ? [] : [`only the first ${grouped(limit)} images`]),
    ...(epochs === null ? [] : [`${epochs} epochs`]),
  ];
  const lines = recipes.flatMap(({ recipe, failures }) =>
    failures.map(({ seed, reason }) => `${recipe}, seed ${seed}, failed: ${reason}`),
  );
  if (tried.length > 0) {
    lines.unshift(`Tried out with ${tried.join(' and ')}: neither targets nor published numbers are judged.`);
  }
  return lines;
}

const explanation =
  'Test accuracies of the final weights, in percent. The interval holds the mean over seeds with 95% confidence ' +
  "(Student's t); a published number is matched where the interval contains it, of a single seed the interval of its " +
  "test images (Wilson's).";

/** The comparison as text for a terminal. */
export function comparisonText(comparison: Comparison): string {
  const parts = [textTable(overview(comparison.recipes)), ...remarks(comparison)];
  for (const recipe of comparison.recipes) {
    if (recipe.references.length === 0) continue;
    parts.push(
      `${recipe.recipe} on ${recipe.dataset}, against published accuracies\n${textTable(ladder(recipe))}`,
    );
  }
  return parts.join('\n\n');
}

/** The comparison as a Markdown page. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { recipes, seeds, versions, machine, written } = comparison;
  const backends = [...new Set(recipes.flatMap((recipe) => recipe.backends))];
  const parts = [
    '# Recipes against published numbers',
    explanation,
    markdownTable(overview(recipes)),
    ...remarks(comparison),
  ];
  for (const recipe of recipes) {
    parts.push(`## ${recipe.recipe}\n\n${recipe.title}, on ${recipe.dataset}.`);
    if (recipe.references.length > 0) parts.push(markdownTable(ladder(recipe)));
    const each = recipe.seeds.map(({ seed, testAccuracy }) => `${seed}: ${percent(testAccuracy)}`);
    if (each.length > 0) parts.push(`Test accuracy by seed: ${each.join(', ')}.`);
  }
  parts.push(
    `Seeds ${seeds.join(', ')}. Quern ${versions.quern}, Node.js ${versions.node}, ${machine.processor} ` +
      `(${machine.processors} processors), ${machine.system}; ${backends.join('; ') || 'nothing ran'}. ${written.slice(0, 10)}.`,
  );
  return `${parts.join('\n\n')}\n`;
}

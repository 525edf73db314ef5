import type { Argv } from 'yargs';
import { jsonOption } from '../../inputs/options.js';
import { print } from '../../terminal/output.js';

async function run(json: boolean): Promise<void> {
  const { loadRecipe, recipeNames } = await import('../../../recipes/index.js');
  const { percent } = await import('../../terminal/format.js');
  const { textTable } = await import('../../terminal/table.js');
  const loaded = await Promise.all(recipeNames.map((name) => loadRecipe(name)));
  const recipes = loaded.map(({ recipe: { name, title, dataset, target, reference } }) => ({
    name,
    title,
    dataset,
    target: target ?? null,
    reference: reference ?? null,
  }));
  if (json) {
    print(JSON.stringify({ recipes }));
    return;
  }
  const table = textTable({
    header: ['recipe', 'dataset', 'target', 'reference', 'what it is'],
    rows: recipes.map(({ name, dataset, target, reference, title }) => [
      name,
      dataset,
      target === null ? '' : percent(target),
      reference === null ? '' : percent(reference.accuracy),
      title,
    ]),
    alignments: ['left', 'left', 'right', 'right', 'left'],
  });
  print(`${table}\n\nquern train <recipe> trains one, quern summary <recipe> shows its layers`);
}

/** `quern recipes` */
export function addRecipes(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'recipes',
    'list the recipes that come with Quern: dataset, target, published accuracy',
    (command) =>
      command
        .options(jsonOption)
        .epilogue(
          'The target is the test accuracy that a whole training with the own settings of a recipe must reach; ' +
            'the reference is a published one, its source in --json.',
        ),
    ({ json }) => run(json),
  );
}

import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { writeWhole } from '../../../core/files.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import { type InsideOptions, lookInside } from '../../../inside/look.js';
import type { InsideView } from '../../../inside/view.js';
import type { Model } from '../../../nn/model.js';
import { adam } from '../../../optimizers/adam.js';
import { fitOptionsOf } from '../../../recipes/fitOptions.js';
import { loadRecipe, recipeModel, recipeNames } from '../../../recipes/index.js';
import { modelPathOf } from '../../../runs/files.js';
import { defaultBatchSize } from '../../../training/fit/options.js';
import { checkNewFile } from '../../inputs/outputs.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { print } from '../../terminal/output.js';
import { builtSite } from '../studio/run.js';

export interface ViewArguments extends ImportArguments {
  readonly recipe: string;
  readonly out?: string | undefined;
  readonly batchSize?: number | undefined;
}

interface Shown {
  readonly model: Model;
  readonly options: InsideOptions;
  /** That it was read from, if it was. */
  readonly file: string;
  /** Where the page goes. */
  readonly out: string;
}

/** Opens what is looked at: a recipe, or a saved model with the settings of its recipe, where that comes with Quern. */
async function shownBy({ recipe: source, batchSize, ...options }: ViewArguments): Promise<Shown> {
  const path = recipeNames.includes(source) ? undefined : await modelPathOf(source);
  if (path?.endsWith('.safetensors')) {
    const { model, details } = await readModel(source, options);
    const name = details.recipe ?? 'a model';
    const known = recipeNames.includes(name) ? (await loadRecipe(name)).recipe : undefined;
    const chosen = known && fitOptionsOf(known, { seed: 0, batchSize });
    const { optimizer = adam(), batchSize: batch = batchSize ?? defaultBatchSize } = chosen ?? {};
    const settings = { ...chosen, normalization: details.normalization, optimizer, batchSize: batch };
    return {
      model,
      options: { ...settings, title: `${name} on ${details.dataset}` },
      file: path,
      out: join(dirname(path), 'view.html'),
    };
  }
  const loaded = await loadRecipe(source);
  const { recipe } = loaded;
  const { image: shape, classes } = findEntry(readManifest(), recipe.dataset);
  return {
    model: recipeModel(loaded, { shape, classes }, 0),
    options: { ...fitOptionsOf(recipe, { seed: 0, batchSize }), title: `${recipe.name}: ${recipe.title}` },
    file: source,
    out: `${basename(source, extname(source))}-view.html`,
  };
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** One file: the view as data, and the script and style sheet that the build has made for it. */
async function pageOf(view: InsideView): Promise<string> {
  const built = (name: string) => readFile(join(builtSite, 'view', name), 'utf8');
  const [script, style] = [await built('view.js'), await built('view.css')];
  const title = escaped(view.title);
  const data = JSON.stringify(view).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark"><title>${title}</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body><header><h1>${title}</h1></header><main class="one"><div class="left" id="inside"><p>This page needs JavaScript.</p></div></main>
<script type="application/json" id="view">${data}</script>
<script>${script}</script></body></html>
`;
}

/** Writes the page about one training step. */
export async function runView(given: ViewArguments): Promise<void> {
  const { model, options, out: usual, file } = await shownBy(given);
  const out = given.out ?? usual;
  await checkNewFile(out, given.import === undefined ? [file] : [file, given.import]);
  const page = await pageOf(await lookInside(model, options));
  await writeWhole(out, page);
  print(out);
}

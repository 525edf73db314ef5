/** A training step of settings, looked into. */
import { type InsideView, lookInside } from '../../browser.js';
import type { Settings } from '../shared/settings.js';
import { type Form, fitOptionsOf, formOf, modelOf, recipeOf } from './prepare.js';

export async function inside(settings: Settings, own: Form | undefined): Promise<InsideView> {
  const recipe = await recipeOf(settings);
  const model = modelOf(recipe, settings, await formOf(settings, own));
  const title = settings.layers === undefined ? recipe.name : `${recipe.name} with layers of your own`;
  return lookInside(model, { ...fitOptionsOf(recipe, settings), title });
}

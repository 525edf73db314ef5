/** The recipes that come with Quern, and what can be set of them. `(await recipes.table['mnist-mlp']()).default`. */
export { type Asked, fitOptionsOf } from './recipes/fitOptions.js';
export { type SettingValues, settingsOf, withSettings } from './recipes/settings.js';
export { recipes as table } from './recipes/table.js';

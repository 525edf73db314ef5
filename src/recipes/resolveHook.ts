/**
 * Lets `import … from 'quern'` in a recipe mean this Quern, wherever the file lies. Two copies of the library would not
 * know each other's tensors. Node's customization hooks: https://nodejs.org/api/module.html#customization-hooks
 */
import type { ResolveHook } from 'node:module';

const ownIndex = new URL('../index.js', import.meta.url).href;

export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'quern' ? { url: ownIndex, shortCircuit: true } : next(specifier, context);

/**
 * How Node.js loads recipe files. `import … from 'quern'` means this Quern, wherever the file lies: two copies of the
 * library would not know each other's tensors. And every file that a recipe brings in is held to the way in which the recipe
 * itself was asked for, which its address carries: all modules are loaded before the first one runs, and what is hashed are
 * the bytes that run. Node's customization hooks: https://nodejs.org/api/module.html#customization-hooks
 */
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { hashOf, isTrusted, trust } from './trusted.js';
import { isWay, type Way, wayParameter } from './ways.js';

const ownIndex = new URL('../index.js', import.meta.url).href;
const ownFolders = ['../', '../../kernels/'].map((folder) => new URL(folder, import.meta.url).href);

function wayOf(url: string | undefined): Way | undefined {
  if (!url?.startsWith('file:')) return undefined;
  const way = new URL(url).searchParams.get(wayParameter);
  return isWay(way) ? way : undefined;
}

export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier === 'quern') return { url: ownIndex, shortCircuit: true };
  const resolved = await next(specifier, context);
  const way = wayOf(context.parentURL);
  const { url } = resolved;
  if (way === undefined || !url.startsWith('file:') || ownFolders.some((folder) => url.startsWith(folder))) {
    return resolved;
  }
  const held = new URL(url);
  held.searchParams.set(wayParameter, way);
  return { ...resolved, url: held.href };
};

export const load: LoadHook = async (url, context, next) => {
  const way = wayOf(url);
  const loaded = await next(url, context);
  if (way === undefined || way === 'named') return loaded;
  const path = fileURLToPath(url);
  const { source } = loaded;
  // Node.js reads CommonJS itself, later
  const bytes =
    source === undefined || source === null ? await readFile(path) : Buffer.from(source as Uint8Array);
  const hash = await hashOf(bytes);
  if (way === 'trained') {
    // a list that cannot be written costs its comfort, not the training
    await trust(hash, path).catch(() => {});
    return loaded;
  }
  if (source === undefined || source === null) {
    throw new Error(`${path} is CommonJS: what that requires cannot be looked at before it runs`);
  }
  if (!(await isTrusted(hash))) throw new Error(`${path} is none of the files that you have trained with`);
  return loaded;
};

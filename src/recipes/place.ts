/** Where in a recipe file something went wrong. */
import { basename, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { sentenceOf } from '../core/errors.js';
import { wayParameter } from './ways.js';

/** A frame in a file that a recipe has brought in, itself among them: their addresses carry its way. */
const held = new RegExp(`(file:///[^\\s()]*)\\?${wayParameter}=\\w+:(\\d+(?::\\d+)?)`);

/** `(own.mjs:2:54)`: the innermost line of a stack that is the recipe's own; undefined where there is none. */
function placeOf(error: unknown, path: string): string | undefined {
  const stack = error instanceof Error ? String(error.stack) : '';
  for (const line of stack.split('\n')) {
    const [, url, place] = held.exec(line) ?? [];
    if (url !== undefined) return `(${basename(fileURLToPath(url))}:${place})`;
    // CommonJS has paths
    for (const address of [resolve(path), pathToFileURL(resolve(path)).href]) {
      const at = line.indexOf(`${address}:`);
      const found = at < 0 ? null : /^\d+(:\d+)?/.exec(line.slice(at + address.length + 1));
      if (found !== null) return `(${basename(path)}:${found[0]})`;
    }
  }
  return undefined;
}

/** What was thrown while the recipe at `path` ran, in a sentence with its place. */
export function sentenceWithPlace(error: unknown, path: string): string {
  const place = placeOf(error, path);
  return place === undefined ? sentenceOf(error) : `${sentenceOf(error)} ${place}`;
}

/** The hint of an error in loading a recipe, where there is one. */
export function loadingHint(error: unknown, path: string): { hint?: string } {
  if (!(error instanceof SyntaxError)) return {};
  if (/outside a module/.test(error.message)) {
    const module = path.replace(/\.([cm]?)([jt]s)$/, '.m$2');
    return { hint: `Call it ${module}, or say "type": "module" in the package.json above it.` };
  }
  // what Node.js has not understood it does not tell here where; a missing export has its line
  if (placeOf(error, path) !== undefined) return {};
  const check = /\.[cm]?js$/.test(path) ? `node --check ${path}` : `npx tsc --noEmit ${path}`;
  return { hint: `\`${check}\` shows the line; where it finds nothing, a file that is imported has it.` };
}

/** Which files an export may replace. */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UsageError } from '../../../core/errors.js';
import { codeOf } from '../../../core/files.js';
import { checkNewFile } from '../../inputs/outputs.js';

/** By what a file shows that an export has written it. */
interface Mark {
  readonly begin: string;
  readonly holds?: string;
  readonly lacks?: string;
}

const about = 'An image classifier trained with Quern.';

/** Of every format. Weights of tfjs have none: their model names them. */
const marks: readonly Mark[] = [
  // PyTorch's module, ONNX, weights of Keras
  { begin: `"""${about}` },
  { begin: '\x08', holds: about },
  { begin: '\x89HDF\r\n', holds: about },
  // .keras and .npz
  { begin: 'PK', holds: '"quern":{"classes":' },
  { begin: 'PK', holds: 'quern.json' },
  { begin: '', holds: '"__metadata__":{"format":"pt","quern":' },
  { begin: '{"format":"layers-model","generatedBy":"quern"' },
  { begin: '{\n  "model_type": "quern"' },
  // a card whose license its user has not stated yet
  {
    begin: '---\nlibrary_name: quern\n',
    holds: 'The license of the weights is for whoever publishes them to state.',
    lacks: '\nlicense',
  },
  { begin: '<!doctype html>', holds: 'globalThis.quernWeights' },
  { begin: 'globalThis.quernWeights = ' },
];

/** Tells whether an export has written this, of any format. */
export function isExported(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return marks.some(
    ({ begin, holds = '', lacks }) =>
      file.subarray(0, begin.length).equals(Buffer.from(begin, 'latin1')) &&
      file.includes(holds) &&
      (lacks === undefined || !file.includes(lacks)),
  );
}

/** The content of a file; undefined where there is none. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return Buffer.from('unknown');
  });
}

/** Those that hold something that no export has written. */
async function foreignOf(targets: readonly string[]): Promise<string[]> {
  const foreign: string[] = [];
  let named: Buffer | undefined;
  for (const [i, path] of targets.entries()) {
    const content = await contentOf(path);
    const own = content !== undefined && isExported(content);
    if (i === 0 && own) named = content;
    if (content === undefined || content.length === 0 || own) continue;
    if (!named?.includes(JSON.stringify(basename(path)))) foreign.push(path);
  }
  return foreign;
}

/**
 * Looks at the files of an export before they are written.
 *
 * @param targets the file that was named, then those beside it
 * @throws UsageError naming what would be replaced: the model itself or a file of a run, and without `force` whatever no
 *   export has written
 */
export async function checkTargets(
  targets: readonly string[],
  { source, force }: { readonly source: string; readonly force: boolean },
): Promise<void> {
  for (const path of targets) await checkNewFile(path, [source]);
  const places = targets.map((path) => resolve(path));
  const twice = targets.find((_, i) => places.indexOf(places[i]!) !== i);
  if (twice !== undefined) {
    throw new UsageError(`${twice}: two files of this export would have this name`, {
      hint: 'Name it with the ending of its format.',
    });
  }
  const foreign = force ? [] : await foreignOf(targets);
  if (foreign.length === 0) return;
  const them = foreign.length === 1 ? 'it' : 'them';
  throw new UsageError(
    `${foreign.join(', ')}: not from quern export, or changed since; --force replaces ${them}`,
  );
}

/** Models of other formats on disk. */

import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkOptionNames } from '../core/check.js';
import { DataError, reasonOf } from '../core/errors.js';
import { largestFile } from './bounds.js';
import { decodeForeignModel, type Imported, type ImportOptions } from './import.js';

/**
 * The bytes of a file that is no larger than a model can be.
 *
 * @throws DataError naming the path
 */
export async function readBounded(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r');
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new Error('it is no file');
      if (found.size > largestFile) throw new Error(`${found.size} bytes, the limit is ${largestFile}`);
      return new Uint8Array(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Reads a model of ONNX, Keras, PyTorch, tfjs or npz from a file, by what its bytes are. Nothing in it is run.
 *
 * @throws as `decodeForeignModel`, and DataError when the file cannot be read
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<Imported> {
  checkOptionNames('importModel', options, {
    pixels: true,
    image: true,
    layers: true,
    epsilon: true,
    classes: true,
    dataset: true,
  });
  const beside = (name: string) => readBounded(join(dirname(path), name));
  return decodeForeignModel(await readBounded(path), { ...options, beside }, path);
}

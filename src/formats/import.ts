/** Models of other formats as models of Quern. */
import { checkBytes, checkOptionNames } from '../core/check.js';
import { DataError, ModelError, QuernError } from '../core/errors.js';
import type { ModelFile } from '../training/files/modelFile.js';
import { checkJsonSize, largestFile } from './bounds.js';
import { complete, type Foreign, type Imported, type ImportOptions } from './foreign.js';

export { type Imported, type ImportOptions, pixelScales } from './foreign.js';

/** Reads a file that lies beside: of tfjs, whose weights are in files of their own. */
export type ReadBeside = (name: string) => Promise<Uint8Array>;

const startsWith = (bytes: Uint8Array, ...wanted: readonly number[]) =>
  wanted.every((byte, i) => bytes[i] === byte);

const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

/** A length of 8 bytes, then JSON. */
const isSafetensors = (bytes: Uint8Array) =>
  bytes.length > 9 && bytes[8] === 0x7b && startsWith(bytes.subarray(5, 8), 0, 0, 0);

const headerSize = ({ buffer, byteOffset }: Uint8Array) =>
  new DataView(buffer, byteOffset).getUint32(0, true);

/** The first byte that is no space. */
const isJson = (bytes: Uint8Array) => /^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 64)));

type Reader = (
  bytes: Uint8Array,
  options: ImportOptions,
  what: string,
  beside: ReadBeside,
) => Promise<Foreign>;

async function readZip(bytes: Uint8Array, options: ImportOptions, what: string): Promise<Foreign> {
  const { namesIn } = await import('./zip.js');
  const names = namesIn(bytes, what);
  if (names.includes('config.json')) return (await import('./keras/read.js')).readKeras(bytes, options, what);
  if (names.some((name) => name.endsWith('.npy'))) return (await import('./npz.js')).readNpz(bytes, what);
  if (names.some((name) => /(^|\/)data\.pkl$/.test(name))) {
    return (await import('./pytorch/read.js')).readTorch(bytes, options, what);
  }
  throw new DataError(`${what}: a zip archive that is no model of Keras, PyTorch or NumPy`);
}

/** What files begin with, and who reads them. ONNX has no mark of its own: it comes last. */
const readers: readonly (readonly [(bytes: Uint8Array) => boolean, Reader])[] = [
  [(bytes) => startsWith(bytes, 0x50, 0x4b, 3, 4), readZip],
  [
    (bytes) => startsWith(bytes, 0x89, 0x48, 0x44, 0x46),
    async (bytes, options, what) => (await import('./keras/read.js')).readKerasH5(bytes, options, what),
  ],
  [
    (bytes) =>
      isSafetensors(bytes) && /^\{"__metadata__":\{"format":"quern"/.test(text(bytes.subarray(8, 72))),
    async (bytes, _options, what) => (await import('./own.js')).readOwn(bytes, what),
  ],
  [
    isSafetensors,
    async (bytes, options, what) =>
      (await import('./pytorch/read.js')).readTorchSafetensors(bytes, options, what),
  ],
  [
    (bytes) => startsWith(bytes, 0x80) || new TextDecoder().decode(bytes.subarray(257, 262)) === 'ustar',
    async (bytes, options, what) => (await import('./pytorch/read.js')).readTorch(bytes, options, what),
  ],
  [
    isJson,
    async (bytes, options, what, beside) =>
      (await import('./tfjs/read.js')).readTfjs(bytes, options, what, beside),
  ],
  [
    (bytes) => bytes[0] === 0x08 || bytes[0] === 0x12 || bytes[0] === 0x3a || bytes[0] === 0x42,
    async (bytes, options, what, beside) =>
      (await import('./onnx/read.js')).readOnnx(bytes, options, what, beside),
  ],
];

const notBeside: ReadBeside = (name) => {
  throw new ModelError(`the file '${name}' is wanted beside it: give the option beside`);
};

/**
 * Reads a model of ONNX, Keras, PyTorch, tfjs or npz, by what its bytes are.
 *
 * @param what names the file in errors
 * @param options.beside reads files that the model names, of tfjs alone
 * @throws DataError for bytes that are no sound file; ModelError, naming the layer, for what Quern does not have;
 * UsageError for what the file leaves open and the options do not say
 */
export async function decodeForeignModel(
  bytes: Uint8Array,
  options: ImportOptions & { readonly beside?: ReadBeside } = {},
  what = 'model',
): Promise<Imported> {
  checkOptionNames('decodeForeignModel', options, {
    pixels: true,
    image: true,
    layers: true,
    epsilon: true,
    classes: true,
    dataset: true,
    beside: true,
  });
  checkBytes('decodeForeignModel: bytes', bytes);
  if (bytes.length > largestFile) {
    throw new DataError(
      `${what}: ${bytes.length} bytes are over ${largestFile}, more than any model for such images`,
    );
  }
  const [, reader] = readers.find(([matches]) => matches(bytes)) ?? [];
  if (reader === undefined) {
    throw new DataError(
      `${what}: not a model of Quern, ONNX, Keras, PyTorch, tfjs or npz, by its first bytes`,
    );
  }
  try {
    if (isSafetensors(bytes)) checkJsonSize(headerSize(bytes), what);
    return complete(await reader(bytes, options, what, options.beside ?? notBeside), options, what);
  } catch (cause) {
    if (!(cause instanceof QuernError)) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DataError(`${what}: cannot be read: ${reason}`, { cause });
    }
    if (!cause.message.startsWith(what)) cause.message = `${what}: ${cause.message}`;
    throw cause;
  }
}

export type { ModelFile };

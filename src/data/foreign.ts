/** Files that other programs write, by their first bytes and names: what is given by mistake is named for what it is. */
import { at } from '../core/lists.js';

const text = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

const endings: readonly (readonly [ending: RegExp, kind: string])[] = [
  [/\.keras$/i, 'a model of Keras 3 (.keras)'],
  [/\.(pt|pth|ckpt)$/i, 'weights of PyTorch'],
  [/\.mar$/i, 'an archive of TorchServe'],
  [/\.mlmodel$/i, 'a model of Core ML'],
  [/\.npz$/i, "arrays of numpy's (.npz)"],
  [/\.xlsx$/i, 'a table of Excel'],
  [/\.(zip)$/i, 'a zip archive'],
];

function zipKind(bytes: Uint8Array, name: string): string {
  const known = endings.find(([ending]) => ending.test(name));
  if (known !== undefined) return known[1];
  // the first member tells: PyTorch writes NAME/data.pkl, Excel [Content_Types].xml
  const member = text(bytes, 30, 30 + (bytes[26] ?? 0));
  if (/\/data\.pkl$|\.data\/|archive\//.test(member)) return 'weights of PyTorch';
  if (/\.npy$/.test(member)) return "arrays of numpy's (.npz)";
  return member.startsWith('[Content_Types]') ? 'a table of Excel' : 'a zip archive';
}

const starts: readonly (readonly [start: string, kind: string])[] = [
  ['\x89HDF\r\n\x1a\n', 'an HDF5 file, as Keras 2 and h5py write it (.h5)'],
  ['\x80\x02', 'a pickle of Python, as old versions of PyTorch write weights'],
  ['\x80\x03', 'a pickle of Python'],
  ['\x80\x04', 'a pickle of Python'],
  ['\x80\x05', 'a pickle of Python'],
  ['\x93NUMPY', "an array of numpy's (.npy)"],
  ['PAR1', 'a table of Apache Parquet'],
  ['ARROW1', 'a table of Apache Arrow'],
  ['GGUF', 'a model of llama.cpp (GGUF)'],
  ['MATLAB 5.0', 'arrays of MATLAB (.mat)'],
  ['SQLite format 3', 'a database of SQLite'],
  ['%PDF', 'a PDF document'],
  ['Rar!', 'a RAR archive'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['\x1f\x8b', 'a gzip file'],
];

/** An ONNX model begins with its version, a short number, and mostly with who made it. */
const isOnnx = (bytes: Uint8Array, name: string) =>
  (bytes[0] === 8 && at(bytes, 1) > 0 && at(bytes, 1) < 32 && (bytes[2] === 0x12 || bytes[2] === 0x3a)) ||
  /\.onnx$/i.test(name);

/**
 * Names the kind of a file, or that it is empty, to go behind "this is"; undefined where it is nothing known.
 *
 * @param bytes its beginning, a few hundred bytes
 */
export function foreignKind(bytes: Uint8Array, name: string): string | undefined {
  if (bytes.length === 0) return 'an empty file';
  if (text(bytes, 0, 4) === 'PK\x03\x04') return zipKind(bytes, name);
  const known = starts.find(([start]) => text(bytes, 0, start.length) === start);
  if (known !== undefined) return known[1];
  if (text(bytes, 4, 8) === 'TFL3') return 'a model of TensorFlow Lite';
  if (text(bytes, 257, 262) === 'ustar') return 'a tar archive';
  if (isOnnx(bytes, name)) return 'a model in ONNX';
  const beginning = text(bytes, 0, 512);
  if (
    /^\s*\{/.test(beginning) &&
    /"(modelTopology|weightsManifest|format"\s*:\s*"(layers|graph)-model)/.test(beginning)
  ) {
    return 'a model of TensorFlow.js (model.json)';
  }
  if (/\.pb$/i.test(name)) return 'a model of TensorFlow (SavedModel)';
  return undefined;
}

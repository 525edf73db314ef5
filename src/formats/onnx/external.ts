/** Weights of an ONNX file that lie in a file beside it, as PyTorch's exporter writes them unless it is told otherwise. */
import { DataError } from '../../core/errors.js';
import { type TensorProto, TensorProto_DataLocation } from '../../vendor/onnx.js';
import { isBeside, largestFile } from '../bounds.js';
import type { ReadBeside } from '../import.js';

/**
 * Gives tensors the bytes that they refer to.
 *
 * @throws DataError for a name outside the model's folder, or bytes that its file does not have
 */
export async function takeExternal(
  tensors: readonly TensorProto[],
  beside: ReadBeside,
  what: string,
): Promise<void> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let [taken, read] = [0, 0];
  for (const tensor of tensors) {
    if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) continue;
    const told = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
    const location: string = told.get('location') ?? '';
    const at = `${what}: tensor '${tensor.name.slice(0, 80)}'`;
    if (!isBeside(location)) {
      throw new DataError(
        `${at}: its numbers are outside the model's folder: ${JSON.stringify(String(location).slice(0, 60))}`,
      );
    }
    const known = files.get(location);
    const bytes = known ?? new Uint8Array(await beside(location));
    read += known === undefined ? bytes.length : 0;
    files.set(location, bytes);
    const start = Number(told.get('offset') ?? 0);
    const length = Number(told.get('length') ?? bytes.length - start);
    if (!(start >= 0 && length >= 0 && start + length <= bytes.length)) {
      throw new DataError(`${at}: '${location}' has ${bytes.length} bytes, not ${length} from ${start} on`);
    }
    // several tensors may refer to the same bytes
    taken += length;
    if (taken > largestFile || read > largestFile)
      throw new DataError(`${what}: its weights have over ${largestFile} bytes`);
    tensor.rawData = bytes.subarray(start, start + length);
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
    tensor.externalData = [];
  }
}

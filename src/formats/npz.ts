/** Weights as NumPy's archive, by their paths, beside which Quern keeps the architecture. */
import { DataError, ModelError } from '../core/errors.js';
import { integer, list, parseJson } from '../core/schema.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import type { Json } from '../nn/layer.js';
import { Model } from '../nn/model.js';
import { describeLayer, restoreLayer } from '../nn/registry.js';
import type { StoredTensor } from '../training/files/safetensors.js';
import { checkSameTensors } from '../training/files/weights.js';
import type { ExportSource } from './export.js';
import type { Foreign } from './foreign.js';
import { detailsText, parseDetails } from './ownDetails.js';
import { unzip, zip } from './zip.js';

const ownEntry = 'quern.json';

/** A header of 10 bytes and a dict of Python, together a multiple of 64 bytes, then the numbers. */
function encodeNpy({ shape, data }: StoredTensor): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const header = new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`);
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  bytes.set(header, 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return bytes;
}

function decodeNpy(bytes: Uint8Array, what: string): { shape: Shape; data: Float32Array } {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0].every((byte, i) => bytes[i] === byte);
  const dict = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n/;
  const found = magic ? dict.exec(head.slice(10)) : null;
  if (found === null) throw new DataError(`${what}: no float32 array in the order of C`);
  const shape = (found[1] ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  const content = bytes.slice(10 + found[0].length);
  if (content.length !== 4 * sizeOf(shape)) {
    throw new DataError(
      `${what}: ${formatShape(shape)} takes ${4 * sizeOf(shape)} bytes, it has ${content.length}`,
    );
  }
  return { shape, data: new Float32Array(content.buffer) };
}

/** The bytes of an archive for `numpy.load`. */
export function encodeNpz({ model, details, tensors }: ExportSource): Uint8Array {
  const own = {
    architecture: describeLayer(model.layer),
    inputShape: model.inputShape,
    details: detailsText(details),
  };
  const entries = [...tensors].map(([name, tensor]) => [`${name}.npy`, encodeNpy(tensor)] as const);
  return zip(new Map([...entries, [ownEntry, new TextEncoder().encode(JSON.stringify(own))]]), 0);
}

/** Reads what `encodeNpz` has written. */
export function readNpz(bytes: Uint8Array, what: string): Foreign {
  const entries = unzip(bytes, what, (name) => name === ownEntry || name.endsWith('.npy'));
  const own = entries.get(ownEntry);
  if (own === undefined) {
    throw new ModelError(
      `${what}: an archive of arrays without an architecture: only those that Quern exported are read`,
    );
  }
  const json = parseJson(
    new TextDecoder().decode(own),
    `${what}: ${ownEntry}`,
    (value) => value as { [key: string]: Json },
  );
  const inputShape = list(integer(1), 1)(json.inputShape, `${what}: inputShape`);
  const model = new Model(restoreLayer(json.architecture ?? null), inputShape);
  const tensors = new Map(
    [...entries]
      .filter(([name]) => name !== ownEntry)
      .map(([name, content]) => [name.slice(0, -4), decodeNpy(content, `${what}: ${name}`)]),
  );
  checkSameTensors(model, tensors, what);
  const details = parseDetails(String(json.details ?? '{}'), what);
  return { format: 'npz', filled: { model, tensors }, nodes: [], inputShape, own: details, notes: [] };
}

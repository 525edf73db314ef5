/** HDF5 files through jsfive, whose findings are not believed before they are checked. */

import { DataError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { Dataset, File, Group } from '../../vendor/hdf5.js';
import { mostNumbers } from '../bounds.js';
import type { Floats } from '../weights.js';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Tells whether bytes begin as HDF5 does. */
const isHdf5 = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Floats of 2, 4 or 8 bytes, and integers, as numbers of their own. */
const numericType = /^[<>|=]?[fiu][1248]$/;

/** What went wrong in jsfive, which follows whatever a file says. */
function reasonOf(cause: unknown): string {
  if (cause instanceof RangeError) return 'it refers to what is beyond its end';
  if (cause instanceof TypeError) return 'its parts do not fit each other';
  return cause instanceof Error ? cause.message : String(cause);
}

export class Hdf5File {
  private readonly root: Group;
  /** Numbers read so far: a file that refers to one dataset many times is refused. */
  private taken = 0;

  /** @throws DataError for bytes that are no HDF5 file */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    if (!isHdf5(bytes)) throw new DataError(`${what}: not an HDF5 file`);
    this.root = this.guarded('', () => new File(bytes.slice().buffer, ''));
  }

  /** jsfive throws texts and whatever happens to go wrong. */
  private guarded<T>(path: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (cause instanceof DataError) throw cause;
      const reason = reasonOf(cause);
      const where = path === '' ? '' : ` at '${path}'`;
      throw new DataError(`${this.what}: the HDF5 file cannot be read${where}: ${reason.slice(0, 200)}`, {
        cause,
      });
    }
  }

  private find(path: string): Group | Dataset | undefined {
    return this.guarded(path, () => {
      let found: Group | Dataset = this.root;
      for (const name of path.split('/').filter((part) => part !== '')) {
        if (!(found instanceof Group) || !found.keys.includes(name)) return undefined;
        const next: Group | Dataset | null = found.get(name);
        if (next === null) return undefined;
        found = next;
      }
      return found;
    });
  }

  /** Names of what a group has; empty where there is no such group. */
  members(path: string): string[] {
    const found = this.find(path);
    return found instanceof Group ? this.guarded(path, () => found.keys) : [];
  }

  /** An attribute, if it is a text. */
  text(path: string, name: string): string | undefined {
    const found = this.find(path);
    const value = found && this.guarded(path, () => found.attrs[name]);
    return typeof value === 'string' ? trimmed(value) : undefined;
  }

  /** An attribute that is a list of texts; undefined where it is not there. */
  texts(path: string, name: string): string[] | undefined {
    const found = this.find(path);
    const value = found && this.guarded(path, () => found.attrs[name]);
    if (value === undefined) return undefined;
    if (typeof value === 'string') return [trimmed(value)];
    if (!Array.isArray(value) || value.some((each) => typeof each !== 'string')) return [];
    return value.map((each: string) => trimmed(each));
  }

  /** The numbers of a dataset; undefined where there is none. */
  floats(path: string): Floats | undefined {
    const found = this.find(path);
    if (!(found instanceof Dataset)) return undefined;
    return this.guarded(path, () => {
      const shape = [...found.shape];
      const size = sizeOf(shape);
      const type = String(found.dtype);
      if (!numericType.test(type)) throw new DataError(`${this.what}: '${path}' holds ${type}, not numbers`);
      this.taken += size;
      if (
        !Number.isInteger(size) ||
        size < 0 ||
        this.taken > mostNumbers ||
        this.taken > 32 * this.bytes.length
      ) {
        throw new DataError(`${this.what}: '${path}': ${formatShape(shape)} is more than the file can hold`);
      }
      const data = Float32Array.from(found.value);
      if (data.length !== size) {
        throw new DataError(
          `${this.what}: '${path}': ${formatShape(shape)} has ${size} numbers, the file ${data.length}`,
        );
      }
      return { shape, data };
    });
  }
}

/** Texts of a fixed length end in zeros. */
const trimmed = (value: string) => value.replace(/\0+$/, '');

import { bytesPerImage, tooLarge } from '../../memory.js';

/** Where rows of a text go. */
interface RowBounds {
  /** Pixels of a row. */
  readonly size: number;
  /** More rows than this do not come. */
  readonly most: number;
  /** Bytes of the text, which is in memory as long. */
  readonly held: number;
  /** Bytes that text and rows may take together. */
  readonly limit: number;
}

function areBytes(row: Float32Array, size: number): boolean {
  for (let i = 0; i < size; i++) if (row[i] !== (row[i]! & 255)) return false;
  return true;
}

/** Rows of pixels: a byte each as long as all are whole numbers from 0 to 255, else float32. */
export class RowStore {
  private values: Uint8Array | Float32Array;
  private capacity: number;
  private count = 0;

  constructor(
    private readonly bounds: RowBounds,
    private readonly file: string,
  ) {
    this.capacity = this.affordable(bounds.size, 0);
    // what is not written to takes no memory
    this.values = new Uint8Array(this.capacity * bounds.size);
  }

  private affordable(bytesPerRow: number, held: number): number {
    const { most, limit } = this.bounds;
    const left = Math.max(0, limit - this.bounds.held - held);
    return Math.min(most, Math.floor(left / (bytesPerRow + bytesPerImage)));
  }

  /** Floats, which become bytes when their scale is known: five bytes a pixel. */
  private widen(): Float32Array {
    const { size } = this.bounds;
    const used = this.count * size;
    this.capacity = this.affordable(5 * size, used);
    if (this.count >= this.capacity) throw tooLarge(this.file, this.bounds.limit);
    const wider = new Float32Array(this.capacity * size);
    wider.set(this.values.subarray(0, used));
    return wider;
  }

  /** Takes the first `size` numbers of a row. Throws DataError naming the file where the rows take too much memory. */
  add(row: Float32Array): void {
    const { size } = this.bounds;
    if (this.count >= this.capacity) throw tooLarge(this.file, this.bounds.limit);
    if (this.values instanceof Uint8Array && !areBytes(row, size)) this.values = this.widen();
    this.values.set(row.subarray(0, size), this.count * size);
    this.count++;
  }

  /** All rows, one behind another. */
  all(): Uint8Array | Float32Array {
    return this.values.subarray(0, this.count * this.bounds.size);
  }
}

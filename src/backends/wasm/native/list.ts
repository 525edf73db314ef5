/** Lists of calls in memory, as machine code walks them (`printWalker`). */

export interface ListedCall {
  /** Of the function. */
  readonly address: bigint;
  readonly values: readonly number[];
}

const headBytes = 16;
const whole = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** Bytes of a list. */
export function listBytes(calls: readonly { readonly values: readonly number[] }[]): number {
  return calls.reduce((sum, { values }) => sum + headBytes + whole(4 * values.length), 8);
}

/** Writes a list at an address that is a multiple of 8. */
export function writeList({ buffer }: WebAssembly.Memory, at: number, calls: readonly ListedCall[]): void {
  const view = new DataView(buffer, at, listBytes(calls));
  let offset = 0;
  for (const { address, values } of calls) {
    view.setBigUint64(offset, address, true);
    view.setUint32(offset + 8, values.length, true);
    for (const [index, value] of values.entries()) view.setInt32(offset + headBytes + 4 * index, value, true);
    offset += headBytes + whole(4 * values.length);
  }
  view.setBigUint64(offset, 0n, true);
}

import type * as Quern from '../../src/browser.js';

export interface Picture {
  /** The file, in base64. */
  readonly file: string;
  readonly shape: readonly [number, number, number];
  readonly centerDigits?: boolean;
  readonly as?: 'bytes' | 'blob';
}

/** What a page makes of pictures: pixels, or the first line of the error. */
export async function decodeAll(
  { decodeImage }: typeof Quern,
  pictures: readonly Picture[],
): Promise<(number[] | string)[]> {
  const results: (number[] | string)[] = [];
  for (const { file, shape, centerDigits, as } of pictures) {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    const picture = as === 'blob' ? new Blob([bytes]) : bytes;
    results.push(
      await decodeImage(picture, shape, { centerDigits }).then(
        ({ pixels }) => [...pixels],
        (error: Error) => error.message.split('\n')[0]!,
      ),
    );
  }
  return results;
}

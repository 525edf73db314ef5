import { crc32, deflateSync } from 'node:zlib';
import { decode } from 'fast-png';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { decodePng } from '../../../src/data/images/png.js';
import { type Header, packedBytes } from '../../../src/data/images/pngChunks.js';
import { suite } from '../../support/suite.js';
import { rejects } from '../support.js';

function chunk(type: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(typed.length + 8);
  whole.writeUInt32BE(data.length, 0);
  typed.copy(whole, 4);
  whole.writeUInt32BE(crc32(typed), typed.length + 4);
  return whole;
}

const file = (...chunks: readonly Buffer[]) =>
  Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...chunks]);

function headerOf({ width, height, depth, colorType, interlaced }: Header): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colorType, 0, 0, interlaced ? 1 : 0], 8);
  return chunk('IHDR', header);
}

/** Any bytes are pixels, as long as those that name filters do. */
function anyPixels(header: Header, seed: number): Uint8Array {
  const bytes = new Uint8Array(packedBytes(header));
  let state = seed;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  const bits = header.depth * ({ 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[header.colorType] ?? 1);
  const passes: readonly (readonly [number, number])[] = header.interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ].map(([x, y, xStep, yStep]) => [
        Math.max(0, Math.ceil((header.width - x!) / xStep!)),
        Math.max(0, Math.ceil((header.height - y!) / yStep!)),
      ])
    : [[header.width, header.height]];
  let at = 0;
  for (const [columns, rows] of passes) {
    for (let row = 0; columns > 0 && row < rows; row++) {
      bytes[at]! %= 5;
      at += 1 + Math.ceil((columns * bits) / 8);
    }
  }
  return bytes;
}

/** All colors, `[height, width, 4]`. */
async function colorsOf(bytes: Uint8Array): Promise<number[]> {
  const { width, height, readRow } = await decodePng(bytes, 'f.png');
  const row = new Float64Array(4 * width);
  return Array.from({ length: height }, (_, y) => {
    readRow(y, row);
    return [...row];
  }).flat();
}

/** The same by fast-png. */
function expectedColors(bytes: Uint8Array): number[] {
  const { width, height, channels, depth, data } = decode(bytes, { checkCrc: true });
  const scale = 255 / (2 ** depth - 1);
  return Array.from({ length: width * height }, (_, i) => {
    const at = Array.from({ length: channels }, (_, c) => data[i * channels + c]! * scale);
    const color = channels > 2 ? at.slice(0, 3) : [at[0]!, at[0]!, at[0]!];
    return [...color, channels % 2 === 0 ? at.at(-1)! : 255];
  }).flat();
}

suite('PNG files', (test) => {
  test('every filter, format and pass, against fast-png', async () => {
    let compared = 0;
    for (const [width, height] of [
      [1, 1],
      [13, 11],
      [3, 40],
    ] as const) {
      for (const colorType of [0, 2, 4, 6]) {
        for (const depth of [8, 16]) {
          for (const interlaced of [false, true]) {
            const header = { width, height, depth, colorType, interlaced };
            const packed = deflateSync(anyPixels(header, 7 * width + depth + colorType));
            // in one piece and in two
            const half = packed.length >> 1;
            const pieces = interlaced ? [packed.subarray(0, half), packed.subarray(half)] : [packed];
            const bytes = file(
              headerOf(header),
              ...pieces.map((piece) => chunk('IDAT', piece)),
              chunk('IEND'),
            );
            assert.equal(await colorsOf(bytes), expectedColors(bytes), JSON.stringify(header));
            compared++;
          }
        }
      }
    }
    assert.is(compared, 48);
  });

  const header = headerOf({ width: 2, height: 1, depth: 8, colorType: 3, interlaced: false });
  const palette = chunk('PLTE', Uint8Array.of(0, 0, 0, 255, 255, 255));
  const pixels = chunk('IDAT', deflateSync(Uint8Array.of(0, 0, 1)));
  const end = chunk('IEND');
  const corrupt = (flaw: RegExp, ...chunks: readonly Buffer[]) =>
    rejects(colorsOf(file(...chunks)), DataError, new RegExp(`^f\\.png: corrupt PNG: ${flaw.source}$`));

  test('what may be there once', async () => {
    assert.equal(await colorsOf(file(header, palette, pixels, end)), [0, 0, 0, 255, 255, 255, 255, 255]);
    await corrupt(/there are 2 IHDR chunks, one may be there/, header, header, palette, pixels, end);
    await corrupt(/there are 2 PLTE chunks, one may be there/, header, palette, palette, pixels, end);
    const alpha = chunk('tRNS', Uint8Array.of(0));
    await corrupt(/there are 2 tRNS chunks, one may be there/, header, palette, alpha, alpha, pixels, end);
  });

  test('chunks that decide what is seen, in another order, or that nobody knows', async () => {
    await corrupt(/a critical chunk that is not known: "ABCD"/, header, palette, chunk('ABCD'), pixels, end);
    await corrupt(/its palette comes after its pixels/, header, pixels, palette, end);
    await corrupt(/there are no pixels in it/, header, palette, end);
    await corrupt(/its pixels are not in one piece/, header, palette, pixels, chunk('tEXt'), pixels, end);
  });

  test('palettes and transparent colors that are none', async () => {
    await corrupt(
      /a palette of 4 bytes, three are a color/,
      header,
      chunk('PLTE', Uint8Array.of(1, 2, 3, 4)),
      pixels,
      end,
    );
    await corrupt(
      /3 alphas for 2 colors of the palette/,
      header,
      palette,
      chunk('tRNS', Uint8Array.of(1, 2, 3)),
      pixels,
      end,
    );
    const gray = headerOf({ width: 2, height: 1, depth: 8, colorType: 0, interlaced: false });
    await corrupt(
      /a transparent color of 1 bytes, not 2/,
      gray,
      chunk('tRNS', Uint8Array.of(1)),
      pixels,
      end,
    );
    const both = headerOf({ width: 1, height: 1, depth: 8, colorType: 4, interlaced: false });
    await corrupt(
      /a transparent color beside an alpha channel/,
      both,
      chunk('tRNS', Uint8Array.of(0, 1)),
      pixels,
      end,
    );
  });

  test('filters that there are not, and packed pixels that are empty', async () => {
    await corrupt(
      /no such filter of a row: 5/,
      header,
      palette,
      chunk('IDAT', deflateSync(Uint8Array.of(5, 0, 1))),
      end,
    );
    await corrupt(
      /3 bytes of pixels are expected, it holds 0/,
      header,
      palette,
      chunk('IDAT', deflateSync(Buffer.alloc(0))),
      end,
    );
  });
});

import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../../src/core/errors.js';
import { loadDataset } from '../../../src/data/catalog/datasets.js';
import { looksInverted, readImage } from '../../../src/data/images/images.js';
import { toPicture } from '../../../src/data/images/picture.js';
import { decodePng } from '../../../src/data/images/png.js';
import { suite } from '../../support/suite.js';
import { inFolder, rejects } from '../support.js';

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(typed.length + 8);
  whole.writeUInt32BE(data.length, 0);
  typed.copy(whole, 4);
  whole.writeUInt32BE(crc32(typed), typed.length + 4);
  return whole;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface Parts {
  size?: [width: number, height: number];
  depth?: number;
  colorType?: number;
  interlace?: number;
  /** Rows of packed samples; each is preceded by filter 0. */
  rows: number[][];
  before?: Buffer[];
}

/** A PNG from its parts, so that any can be odd. */
function png({ size, depth = 8, colorType = 0, interlace = 0, rows, before = [] }: Parts): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size?.[0] ?? rows[0]!.length, 0);
  header.writeUInt32BE(size?.[1] ?? rows.length, 4);
  header.set([depth, colorType, 0, 0, interlace], 8);
  const pixels = deflateSync(Buffer.concat(rows.map((row) => Buffer.from([0, ...row]))));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...before,
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** All values of a PNG, in gray or in colors, on its ground. */
async function valuesOf(bytes: Uint8Array, channels?: 1 | 3): Promise<number[]> {
  const picture = toPicture(await decodePng(bytes, 'f.png'), channels);
  const row = new Float64Array(picture.width * picture.channels);
  const values: number[] = [];
  for (let y = 0; y < picture.height; y++) {
    picture.readRow(y, row);
    values.push(...row);
  }
  return values;
}

const gray = (parts: Parts): Promise<number[]> => valuesOf(png(parts), 1);

function close(found: number[], expected: number[]): void {
  assert.is(found.length, expected.length);
  found.forEach(
    (value, i) => void assert.ok(Math.abs(value - expected[i]!) < 1e-9, `${i}: ${value}, ${expected[i]}`),
  );
}

suite('PNG to gray', (test) => {
  test('8 bits of gray are kept', async () => {
    assert.equal(
      await gray({
        rows: [
          [0, 1, 254],
          [255, 128, 7],
        ],
      }),
      [0, 1, 254, 255, 128, 7],
    );
  });

  test('1, 2 and 4 bits fill the range, rows ending within a byte', async () => {
    assert.equal(
      await gray({ size: [3, 2], depth: 1, rows: [[0b10100000], [0b01000000]] }),
      [255, 0, 255, 0, 255, 0],
    );
    assert.equal(await gray({ size: [3, 1], depth: 2, rows: [[0b00011100]] }), [0, 85, 255]);
    assert.equal(await gray({ size: [3, 1], depth: 4, rows: [[0x0f, 0x10]] }), [0, 255, 17]);
  });

  test('16 bits are scaled', async () => {
    const bytes = [0, 0, 255, 255, 128, 0];
    close(await gray({ size: [3, 1], depth: 16, rows: [bytes] }), [0, 255, (0x8000 / 0xffff) * 255]);
  });

  test('colors by their luma', async () => {
    const rows = [[255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90]];
    close(await gray({ size: [4, 1], colorType: 2, rows }), [76.245, 149.685, 29.07, 90]);
    const wide = [[255, 255, 0, 0, 0, 0]];
    close(await gray({ size: [1, 1], depth: 16, colorType: 2, rows: wide }), [76.245]);
  });

  test('what is transparent lies over white', async () => {
    close(await gray({ size: [3, 1], colorType: 4, rows: [[0, 0, 0, 255, 100, 51]] }), [
      255,
      0,
      0.2 * 100 + 0.8 * 255,
    ]);
    close(await gray({ size: [2, 1], colorType: 6, rows: [[9, 9, 9, 0, 40, 40, 40, 255]] }), [255, 40]);
    const key = chunk('tRNS', Buffer.from([0, 7]));
    close(await gray({ rows: [[7, 8]], before: [key] }), [255, 8]);
    const color = chunk('tRNS', Buffer.from([0, 1, 0, 2, 0, 3]));
    close(
      await gray({ size: [3, 1], colorType: 2, rows: [[1, 2, 3, 1, 2, 4, 0, 0, 0]], before: [color] }),
      [255, 1.929, 0],
    );
  });

  test('palettes, with transparent colors', async () => {
    const palette = chunk('PLTE', Buffer.from([0, 0, 0, 255, 255, 255, 255, 0, 0]));
    const indices = { size: [4, 1] as [number, number], colorType: 3, depth: 2, rows: [[0b00011000]] };
    close(await gray({ ...indices, before: [palette] }), [0, 255, 76.245, 0]);
    const alpha = chunk('tRNS', Buffer.from([0, 255, 51]));
    close(await gray({ ...indices, before: [palette, alpha] }), [0, 255, 0.2 * 76.245, 0]);
    const outside = { ...indices, rows: [[0b11011000]], before: [palette] };
    await rejects(gray(outside), DataError, /^f\.png: corrupt PNG: a pixel has a color outside the palette$/);
    await rejects(gray(indices), DataError, /^f\.png: corrupt PNG: a pixel has a color outside the palette$/);
  });

  test('interlaced, as another encoder writes it', async () => {
    const data = Uint8Array.from({ length: 13 * 11 }, (_, i) => (i * 37) % 256);
    const bytes = encode({ width: 13, height: 11, data, channels: 1 }, { interlace: 'Adam7' });
    assert.equal(await valuesOf(bytes, 1), [...data]);
    const small = encode(
      { width: 1, height: 3, data: Uint8Array.of(5, 6, 7), channels: 1 },
      { interlace: 'Adam7' },
    );
    assert.equal(await valuesOf(small, 1), [5, 6, 7]);
  });

  test('chunks that change nothing are passed over, sound or not', async () => {
    const before = [
      chunk('tEXt', Buffer.from('Comment\0hello')),
      chunk('iCCP', Buffer.from('no profile')),
      chunk('zzZz', Buffer.alloc(3)),
    ];
    assert.equal(await gray({ rows: [[1, 2]], before }), [1, 2]);
  });
});

suite('bad PNG files', (test) => {
  const sound = png({
    rows: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  });
  const decode = (bytes: Uint8Array) => valuesOf(bytes, 1);

  test('not a PNG', async () => {
    await rejects(decode(Buffer.from('GIF89a')), DataError, /^f\.png: not a PNG file$/);
    await rejects(decode(new Uint8Array(0)), DataError, /^f\.png: not a PNG file$/);
  });

  test('truncated at any length', async () => {
    for (let length = 8; length < sound.length; length++) {
      await rejects(
        decode(sound.subarray(0, length)),
        DataError,
        /^f\.png: truncated PNG: it ends in the middle of a chunk$/,
      );
    }
  });

  test('damaged in any byte: an error or other pixels, never another failure', async () => {
    for (let at = 0; at < sound.length; at++) {
      const damaged = Buffer.from(sound);
      damaged[at]! ^= 0x55;
      const outcome = await decode(damaged).then(
        ({ length }) => length,
        (error: unknown) => error,
      );
      assert.ok(outcome === 6 || outcome instanceof DataError, `byte ${at}: ${outcome}`);
    }
    const damaged = Buffer.from(sound);
    damaged[sound.length - 20]! ^= 1;
    await rejects(decode(damaged), DataError, /^f\.png: corrupt PNG: /);
  });

  test('a wrong checksum', async () => {
    const damaged = Buffer.from(sound);
    damaged[sound.length - 1]! ^= 1;
    await rejects(decode(damaged), DataError, /^f\.png: corrupt PNG: CRC mismatch for chunk IEND/);
  });

  test('absurd sizes are refused before anything is unpacked', async () => {
    const huge = png({ size: [2 ** 31, 2 ** 31], rows: [[0]] });
    await rejects(
      decode(huge),
      DataError,
      /^f\.png: a picture must have pixels, and unpack to at most 134217728 bytes: 2147483648 x 2147483648 take \d+\n {2}ImageMagick makes a smaller one: mogrify -resize 1024x1024 FILE\.$/,
    );
    await rejects(decode(png({ size: [16385, 8193], rows: [[0]] })), DataError, /: 16385 x 8193 take \d+\n/);
    await rejects(decode(png({ size: [0, 5], rows: [[0]] })), DataError, /: 0 x 5 take 0$/);
  });

  test('more or fewer pixels than the header says, however well they are packed', async () => {
    const bomb = png({ size: [1, 1], rows: Array(2 ** 12).fill(Array(2 ** 12).fill(0)) });
    assert.ok(bomb.length < 100_000);
    await rejects(
      decode(bomb),
      DataError,
      /^f\.png: corrupt PNG: 2 bytes of pixels are expected, it holds more$/,
    );
    await rejects(
      decode(png({ size: [3, 2], rows: [[1, 2, 3]] })),
      DataError,
      /^f\.png: corrupt PNG: 8 bytes of pixels are expected, it holds 4$/,
    );
  });

  test('no such format', async () => {
    await rejects(
      decode(png({ colorType: 5, rows: [[0]] })),
      DataError,
      /^f\.png: corrupt PNG: no such format: color type 5 with 8 bits$/,
    );
    await rejects(
      decode(png({ colorType: 2, depth: 4, rows: [[0]] })),
      DataError,
      /color type 2 with 4 bits$/,
    );
    await rejects(
      decode(png({ interlace: 1, depth: 4, size: [1, 1], rows: [[0]] })),
      DataError,
      /^f\.png: an interlaced PNG must have 8 or 16 bits per channel: 4 bits$/,
    );
    const headless = Buffer.concat([
      signature,
      chunk('IDAT', Buffer.alloc(13)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
    await rejects(decode(headless), DataError, /^f\.png: corrupt PNG: it does not begin with a header$/);
  });
});

/** Writes a PNG, and reads it in some shape. */
async function roundTrip(bytes: Uint8Array, shape?: [number, number, number]) {
  let image: Awaited<ReturnType<typeof readImage>> | undefined;
  await inFolder(async (folder) => {
    const path = join(folder, 'image.png');
    writeFileSync(path, bytes);
    image = await readImage(path, shape);
  });
  return image!;
}

suite('PNG to colors', (test) => {
  const colors = async (parts: Parts, channels?: 1 | 3) => {
    const values = await valuesOf(png(parts), channels);
    const [width, height] = parts.size ?? [parts.rows[0]!.length, parts.rows.length];
    return [values.length / (width * height), ...values];
  };

  test('as many channels as the file has, or as are wanted', async () => {
    const rgb = { size: [2, 1] as [number, number], colorType: 2, rows: [[1, 2, 3, 4, 5, 6]] };
    assert.equal(await colors(rgb), [3, 1, 2, 3, 4, 5, 6]);
    assert.equal(await colors({ rows: [[7, 8]] }), [1, 7, 8]);
    assert.equal(await colors({ rows: [[7, 8]] }, 3), [3, 7, 7, 7, 8, 8, 8]);
    close((await colors(rgb, 1)).slice(1), [
      0.299 + 2 * 0.587 + 3 * 0.114,
      4 * 0.299 + 5 * 0.587 + 6 * 0.114,
    ]);
  });

  test('palettes are colors; what is transparent lies over white', async () => {
    const palette = chunk('PLTE', Buffer.from([10, 20, 30, 40, 50, 60]));
    const indexed = { size: [2, 1] as [number, number], colorType: 3, rows: [[1, 0]], before: [palette] };
    assert.equal(await colors(indexed), [3, 40, 50, 60, 10, 20, 30]);
    close(
      (await colors({ size: [1, 1], colorType: 6, rows: [[0, 100, 255, 51]] })).slice(1),
      [204, 224, 255],
    );
    close((await colors({ size: [1, 1], colorType: 4, rows: [[100, 51]] }, 3)).slice(1), [224, 224, 224]);
  });
});

suite('readImage', (test) => {
  test('a picture of the right size is kept bit for bit', async () => {
    const { test: held } = await loadDataset('fixture');
    const data = held.images.slice(0, 784);
    const image = await roundTrip(encode({ width: 28, height: 28, data, channels: 1 }));
    assert.equal(image.pixels, data);
    assert.equal(image.shape, [28, 28, 1]);
    assert.equal(image.original, { width: 28, height: 28 });
    const rgb = Uint8Array.from({ length: 784 * 3 }, (_, i) => data[Math.floor(i / 3)]!);
    assert.equal((await roundTrip(encode({ width: 28, height: 28, data: rgb, channels: 3 }))).pixels, data);
  });

  test('colors, of the same size and averaged', async () => {
    const data = Uint8Array.from([0, 10, 20, 100, 110, 120]);
    const two = encode({ width: 2, height: 1, data, channels: 3 });
    assert.equal([...(await roundTrip(two, [1, 2, 3])).pixels], [...data]);
    assert.equal([...(await roundTrip(two, [1, 1, 3])).pixels], [50, 60, 70]);
    const gray = encode({ width: 1, height: 1, data: Uint8Array.of(9), channels: 1 });
    assert.equal([...(await roundTrip(gray, [1, 1, 3])).pixels], [9, 9, 9]);
  });

  test('a larger one is averaged by areas', async () => {
    // Two by two pixels to one, worked by hand.
    const even = png({
      rows: [
        [0, 100, 10, 20],
        [100, 200, 30, 41],
      ],
    });
    assert.equal([...(await roundTrip(even, [1, 2, 1])).pixels], [100, 25]);
    // Three to two: each takes one pixel and half of the middle one, (60 + 0.5 · 120) / 1.5 and (30 + 60) / 1.5.
    const uneven = png({ rows: [[60, 120, 30]] });
    assert.equal([...(await roundTrip(uneven, [1, 2, 1])).pixels], [80, 60]);
    const tall = png({ rows: [[60], [120], [30]] });
    assert.equal([...(await roundTrip(tall, [2, 1, 1])).pixels], [80, 60]);
  });

  test('a smaller one is enlarged, a plain one stays plain', async () => {
    assert.equal(
      [...(await roundTrip(png({ rows: [[10, 200]] }), [2, 4, 1])).pixels],
      [10, 10, 200, 200, 10, 10, 200, 200],
    );
    // Two to three: the middle one lies half over each.
    assert.equal([...(await roundTrip(png({ rows: [[10, 200]] }), [1, 3, 1])).pixels], [10, 105, 200]);
    const plain = png({ rows: Array(37).fill(Array(53).fill(255)) });
    const { pixels, original } = await roundTrip(plain);
    assert.equal(original, { width: 53, height: 37 });
    assert.ok(pixels.length === 784 && pixels.every((pixel) => pixel === 255));
  });

  test('files that cannot be read, and shapes with colors', () =>
    inFolder(async (folder) => {
      await rejects(
        readImage(join(folder, 'none.png')),
        DataError,
        /none\.png: cannot be read: ENOENT: no such file or directory$/,
      );
      mkdirSync(join(folder, 'sub.png'));
      await rejects(readImage(join(folder, 'sub.png')), DataError, /sub\.png: cannot be read: EISDIR/);
      const path = join(folder, 'large.png');
      writeFileSync(path, '');
      await rejects(readImage(path), DataError, /large\.png: the file is empty$/);
      truncateSync(path, 2 ** 26 + 1);
      await rejects(
        readImage(path),
        DataError,
        /large\.png: cannot be read: 67108865 bytes, the limit is 67108864$/,
      );
      await rejects(
        readImage(path, [32, 32, 2]),
        UsageError,
        /^readImage: the shape must have 1 or 3 channels: \[32, 32, 2\]$/,
      );
    }));
});

suite('looksInverted', (test) => {
  test('no picture of the fixture does, all their negatives do', async () => {
    const { train } = await loadDataset('fixture');
    for (let i = 0; i < train.count; i++) {
      const pixels = train.images.slice(i * 784, (i + 1) * 784);
      assert.is(looksInverted({ pixels, shape: train.shape }), false);
      assert.is(looksInverted({ pixels: pixels.map((pixel) => 255 - pixel), shape: train.shape }), true);
    }
  });

  test('only the border counts', () => {
    const shape = [3, 3, 1] as const;
    assert.is(looksInverted({ pixels: Uint8Array.of(0, 0, 0, 0, 255, 0, 0, 0, 0), shape }), false);
    assert.is(
      looksInverted({ pixels: Uint8Array.of(255, 255, 255, 255, 0, 255, 255, 255, 255), shape }),
      true,
    );
    assert.is(looksInverted({ pixels: new Uint8Array(9).fill(127), shape }), false);
    assert.is(looksInverted({ pixels: new Uint8Array(9).fill(128), shape }), true);
    assert.is(looksInverted({ pixels: Uint8Array.of(200, 200, 200), shape: [1, 1, 3] }), true);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import * as assert from 'uvu/assert';
import * as quern from '../../src/index.js';
import { bytesOf } from '../data/images/photoFiles.js';
import { Browser, findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';
import { decodeAll, type Picture } from './pictures.js';

const module = import.meta.resolve('./pictures.js');

/** A digit-like stroke on a larger ground, with alpha: bright ink on what is transparent. */
const stroke = encode({
  width: 40,
  height: 30,
  channels: 4,
  data: Uint8Array.from({ length: 40 * 30 * 4 }, (_, i) => {
    const [x, y] = [(i >> 2) % 40, Math.floor((i >> 2) / 40)];
    return x > 4 && x < 9 && y > 2 && y < 25 ? 240 : 0;
  }),
});

const lossless: readonly { bytes: Uint8Array; shape: [number, number, number]; centerDigits?: boolean }[] = [
  { bytes: stroke, shape: [30, 40, 1] },
  { bytes: stroke, shape: [28, 28, 1], centerDigits: true },
  { bytes: bytesOf('webp'), shape: [1, 2, 3] },
  { bytes: bytesOf('bits'), shape: [2, 3, 1] },
  { bytes: bytesOf('colors'), shape: [1, 2, 3] },
];

/** What Node reads from a file. */
async function byNode({ bytes, shape, centerDigits }: (typeof lossless)[number]): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-pictures-'));
  try {
    writeFileSync(join(folder, 'picture'), bytes);
    return [...(await quern.readImage(join(folder, 'picture'), shape, { centerDigits })).pixels];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

suite('pictures in Chromium', (test) => {
  const chromium = findChromium();
  if (chromium === undefined) {
    test.unavailable('everything', noChromium);
    return;
  }
  let browser: Browser;
  test.before(async () => {
    browser = await Browser.open(chromium);
  });
  test.after(() => browser.close());
  const decode = (pictures: readonly Picture[]) =>
    browser.run<(number[] | string)[]>(module, 'decodeAll', pictures, {});

  test('what Node reads, of what is kept without loss', async () => {
    const expected = await Promise.all(lossless.map(byNode));
    for (const as of ['bytes', 'blob'] as const) {
      const pictures = lossless.map(({ bytes, ...rest }) => ({ ...rest, as, file: base64(bytes) }));
      assert.equal(await decode(pictures), expected);
    }
  });

  test('a JPEG is turned as the camera was held', async () => {
    const [turned, plain] = await decode([
      { file: base64(bytesOf('turned')), shape: [16, 8, 1] },
      { file: base64(bytesOf('progressive')), shape: [1, 1, 3] },
    ]);
    const bright = (x: number, y: number) => Number(turned![8 * y + x]) > 127;
    assert.equal([bright(1, 1), bright(6, 1), bright(1, 14), bright(6, 14)], [false, true, false, false]);
    // decoders may round colors by a step
    [200, 100, 50].forEach((color, i) => {
      assert.ok(Math.abs(Number(plain![i]) - color) <= 2, `${plain}`);
    });
  });

  test('what is no picture, or damaged', async () => {
    const shape = [1, 1, 1] as const;
    const [gif, empty, half] = await decode([
      { file: base64(Buffer.from('GIF89a')), shape },
      { file: '', shape },
      { file: base64(bytesOf('webp').subarray(0, 30)), shape },
    ]);
    assert.is(gif, 'decodeImage: a GIF picture: PNG, JPEG, WebP and BMP are read');
    assert.is(empty, 'decodeImage: the file is empty');
    assert.match(String(half), /^decodeImage: this WebP cannot be decoded: /);
  });
});

suite('decodeImage in Node', (test) => {
  test('PNG as anywhere, photos by readImage', async () => {
    const [pixels, photo] = await decodeAll(quern, [
      { file: base64(stroke), shape: [30, 40, 1] },
      { file: base64(bytesOf('turned')), shape: [1, 1, 1] },
    ]);
    assert.equal(pixels, await byNode(lossless[0]!));
    assert.is(photo, 'decodeImage: this JPEG cannot be decoded: there is no browser that decodes it');
    await quern.decodeImage(stroke, [3, 3, 2]).then(
      () => assert.unreachable(),
      ({ message }) => assert.is(message, 'decodeImage: the shape must have 1 or 3 channels: [3, 3, 2]'),
    );
  });
});

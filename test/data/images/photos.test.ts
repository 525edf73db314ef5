import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { type InputImage, readImage } from '../../../src/data/images/images.js';
import { suite } from '../../support/suite.js';
import { rejects } from '../support.js';
import { bytesOf } from './photoFiles.js';

async function read(
  bytes: Uint8Array,
  shape?: [number, number, number],
  name = 'picture.png',
): Promise<InputImage> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-photos-'));
  try {
    writeFileSync(join(folder, name), bytes);
    return await readImage(join(folder, name), shape);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

suite('photos', (test) => {
  test('a JPEG as it was seen: turned as the camera was held, whatever it is called', async () => {
    const { pixels, original } = await read(bytesOf('turned'), [16, 8, 1]);
    assert.equal(original, { width: 8, height: 16 });
    const bright = (x: number, y: number) => pixels[8 * y + x]! > 127;
    assert.equal([bright(1, 1), bright(6, 1), bright(1, 14), bright(6, 14)], [false, true, false, false]);
  });

  test('a progressive JPEG, WebP and BMP', async () => {
    assert.equal([...(await read(bytesOf('progressive'), [1, 1, 3])).pixels], [200, 100, 50]);
    assert.equal([...(await read(bytesOf('webp'), [1, 2, 3])).pixels], [255, 0, 0, 255, 255, 255]);
    assert.equal([...(await read(bytesOf('bits'), [2, 3, 1])).pixels], [255, 0, 0, 0, 0, 255]);
    assert.equal([...(await read(bytesOf('colors'), [1, 2, 3])).pixels], [1, 2, 3, 40, 50, 60]);
  });

  test('damaged: an error or other pixels, and the next picture is read', async () => {
    const sound = bytesOf('turned');
    for (const name of ['turned', 'webp', 'bits'] as const) {
      for (let at = 0; at < bytesOf(name).length; at += 7) {
        const damaged = bytesOf(name);
        damaged[at]! ^= 0x55;
        const outcome = await read(damaged).then(
          ({ pixels }) => pixels.length,
          (error: unknown) => error,
        );
        assert.ok(outcome === 784 || outcome instanceof DataError, `${name}, byte ${at}: ${outcome}`);
      }
    }
    for (let i = 0; i < 300; i++) await read(sound.subarray(0, 300)).catch(() => {});
    assert.is((await read(sound, [16, 8, 1])).pixels.length, 128);
    await rejects(read(sound.subarray(0, 100)), DataError, /this JPEG cannot be decoded: it ends too early$/);
  });

  test('what is not read is named', async () => {
    const wrong = (bytes: Uint8Array, message: RegExp) => rejects(read(bytes), DataError, message);
    const hint = String.raw`: PNG, JPEG, WebP and BMP are read\n {2}ImageMagick converts others: mogrify -format png FILE\.$`;
    await wrong(Buffer.from('GIF89a'), new RegExp(`a GIF picture${hint}`));
    await wrong(Buffer.from('II*\0....'), new RegExp(`a TIFF picture${hint}`));
    await wrong(Buffer.from('....ftypheic'), new RegExp(`a HEIF picture${hint}`));
    await wrong(Buffer.from('text'), /picture\.png: not a picture: PNG, JPEG, WebP and BMP are read$/);
    await wrong(new Uint8Array(0), /picture\.png: the file is empty$/);
    const large = bytesOf('colors');
    large.writeInt32LE(2 ** 20, 18);
    large.writeInt32LE(2 ** 20, 22);
    await wrong(
      large,
      /a picture must have pixels, and unpack to at most 134217728 bytes: 1048576 x 1048576 take /,
    );
    const printed = bytesOf('progressive');
    // the number of components in the start of the frame, FF C2
    printed[printed.indexOf(Buffer.from([0xff, 0xc2])) + 9] = 4;
    await wrong(
      printed,
      /this JPEG cannot be decoded: it is printed in four colors \(CMYK\), gray and RGB are read$/,
    );
  });
});

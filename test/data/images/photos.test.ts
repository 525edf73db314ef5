import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { type InputImage, readImage } from '../../../src/data/images/images.js';
import { suite } from '../../support/suite.js';
import { rejects } from '../support.js';

/** Written by Pillow 12: pictures of a few pixels in formats of cameras and of the web. */
const files = {
  /** 16 x 8, its left upper quarter white; Exif says orientation 6: turned to the right to be seen. */
  turned:
    '/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIABADAREAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwBP+H53/VE//Lr/APuKgD8q6AP/2Q==',
  /** 16 x 16 of (200, 100, 50), progressive. */
  progressive:
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wgARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAVAQEBAAAAAAAAAAAAAAAAAAAGB//aAAwDAQACEAMQAAABiA9I/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABBQIf/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPwF//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPwF//8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwIf/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABPyEf/9oADAMBAAIAAwAAABDz/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPxB//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPxB//8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABPxAf/9k=',
  /** Two pixels without loss: opaque red, and black that is transparent. */
  webp: 'UklGRhwAAABXRUJQVlA4TBAAAAAvAQAAEA8Q8x/zH4yM6H8A',
  /** 3 x 2 of one bit: 1 0 0, 0 0 1. */
  bits: 'Qk1GAAAAAAAAAD4AAAAoAAAAAwAAAAIAAAABAAEAAAAAAAgAAADEDgAAxA4AAAIAAAACAAAAAAAAAP///wAgAAAAgAAAAA==',
  /** Two pixels: 1 2 3, 40 50 60. */
  colors: 'Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAADEDgAAxA4AAAAAAAAAAAAAAwIBPDIoAAA=',
} as const;

const bytesOf = (name: keyof typeof files) => Buffer.from(files[name], 'base64');

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

/**
 * Fixed augmentations whose bytes are known: the same on every JavaScript engine and machine. Run as a program it prints
 * their hashes as one line of JSON, for test/engines.
 */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Augmentation } from '../../../src/data/augment/augmentation.js';
import { mixupRatio } from '../../../src/data/augment/mixup.js';
import { augmented, noise } from './support.js';

export interface FixedHashes {
  readonly [name: string]: string;
}

const fixed: Readonly<Record<string, Augmentation>> = {
  copied: { flip: 'horizontal', crop: 3, erase: { probability: 0.7, value: 'random' }, cutout: 5 },
  placed: { shift: 2, rotate: 25, scale: [0.8, 1.3], shear: 12, flip: 'horizontal', crop: 1, fill: 40 },
  elastic: { elastic: { alpha: 34, sigma: 4 }, rotate: 10, border: 'reflect', erase: {} },
};

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** SHA-256 of 64 images of 28 x 28 pixels and of 16 of 19 x 32 x 3 in two epochs, and of 1000 ratios of mixup. */
export function fixedHashes(): FixedHashes {
  const datasets = [noise(64, [28, 28, 1]), noise(16, [19, 32, 3])];
  const hashes = Object.entries(fixed).map(([name, augmentation]): [string, string] => {
    const parts = datasets.flatMap((dataset) =>
      [1, 2].map((epoch) => augmented(dataset, augmentation, { seed: 7, epoch })),
    );
    return [name, hash(Buffer.concat(parts))];
  });
  const ratios = Float64Array.from({ length: 1000 }, (_, step) => mixupRatio(7, step, 0.1 + step / 100));
  return { ...Object.fromEntries(hashes), mixup: hash(new Uint8Array(ratios.buffer)) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(JSON.stringify(fixedHashes()));

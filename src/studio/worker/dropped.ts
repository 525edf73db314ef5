/** Data of one's own that was dropped on the page: read by the same code as `quern train --data` reads it. */
import { UsageError } from '../../browser.js';
import { loadUserDataset, type UserDatasetOptions } from '../../data/user/loadUserDataset.js';
import { provide } from '../files/fs.js';
import type { OwnFiles } from '../shared/messages.js';
import { tell } from '../shared/rpc.js';
import type { DataFacts } from '../shared/settings.js';
import type { Parts } from './session.js';

function shapeOf(text: string): [number, number, number] {
  const [, height, width, channels] = /^(\d+)x(\d+)x([13])$/.exec(text) ?? [];
  if (height !== undefined) return [Number(height), Number(width), Number(channels)];
  throw new UsageError(`stored shape must be height, width and channels (1 or 3), such as 20x30x1: ${text}`);
}

function rangeOf(text: string): [number, number] {
  const [, black, white] = /^\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*$/.exec(text) ?? [];
  if (black !== undefined && Number.isFinite(Number(black)) && Number.isFinite(Number(white)))
    return [Number(black), Number(white)];
  throw new UsageError(`pixel range must be the numbers that are black and white, such as 0,16: ${text}`);
}

/** Facts as reading takes them. */
const optionsOf = ({ storedShape, pixelRange, ...facts }: DataFacts): UserDatasetOptions => ({
  ...facts,
  ...(storedShape !== undefined && { storedShape: shapeOf(storedShape) }),
  ...(pixelRange !== undefined && { pixelRange: rangeOf(pixelRange) }),
});

/**
 * The parts of what was dropped: one file, several that belong together, or a folder.
 *
 * @throws DataError naming file and line for what cannot be read, UsageError for facts that cannot be
 */
export async function readDropped({ files }: OwnFiles, facts: DataFacts): Promise<Parts> {
  const roots = new Set(files.map(({ path }) => path.split('/')[0]));
  const [only] = roots;
  // several files are those of a folder
  const root = roots.size === 1 ? `/${only}` : '/own';
  const above = roots.size === 1 ? '' : root;
  provide(files.map(({ path, file }) => ({ path: `${above}/${path}`, file })));
  // as the recipes of the MNIST family take images, and `quern train --data` makes them
  const shape = [28, 28, 1] as const;
  return loadUserDataset(root, {
    ...optionsOf(facts),
    shape,
    onNote: (text) => tell({ kind: 'dataNote', text }),
  });
}

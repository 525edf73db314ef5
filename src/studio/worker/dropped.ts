/** Data of one's own that was dropped on the page: read by the same code as `quern train --data` reads it. */
import { loadUserDataset } from '../../data/user/loadUserDataset.js';
import { provide } from '../files/fs.js';
import type { OwnFiles } from '../shared/messages.js';
import { tell } from '../shared/rpc.js';
import type { Parts } from './session.js';

/**
 * The parts of what was dropped: one file, several that belong together, or a folder.
 *
 * @throws DataError naming file and line for what cannot be read
 */
export async function readDropped({ files }: OwnFiles): Promise<Parts> {
  const paths = files.map(({ path, file }) => ({ path: `/${path}`, file }));
  const roots = new Set(paths.map(({ path }) => path.split('/')[1]));
  provide(paths);
  const [only] = roots;
  const root = roots.size === 1 ? `/${only}` : '/';
  // as the recipes of the MNIST family take images, and `quern train --data` makes them
  const shape = [28, 28, 1] as const;
  return loadUserDataset(root, { shape, onNote: (text) => tell({ kind: 'note', text }) });
}

/** What reading data of one's own needs of src/core/files.ts. */
import { stat } from './fs.js';

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Puts a report on the disk. */
import { dirname, extname, join } from 'node:path';
import { UsageError } from '../../core/errors.js';
import { withFolder, writeTogether } from '../../core/files.js';
import type { Report } from './page.js';

interface WrittenReport {
  readonly page: string;
  readonly pictures: readonly string[];
}

/** Where the pictures of a page lie: in a folder of its name. */
const folderOf = (path: string) => path.slice(0, -extname(path).length);

/** Throws UsageError unless the path can be a page's. */
export function checkPagePath(path: string): void {
  if (/^\.html?$/i.test(extname(path))) return;
  throw new UsageError(`report: the page must be called something.html: ${path}`);
}

/**
 * Writes a page as `path`, and its pictures into a folder beside it: `report.html`, `report/loss.svg`, … All, or none of them.
 *
 * @throws UsageError for a path that does not end in .html; ModelError naming the path that cannot be written
 */
export async function writeReport({ page, pictures }: Report, path: string): Promise<WrittenReport> {
  checkPagePath(path);
  const folder = folderOf(path);
  const drawn = [...pictures].map(([name, content]) => [join(folder, name), content] as const);
  await withFolder(dirname(path), () => withFolder(folder, () => writeTogether([...drawn, [path, page]])));
  return { page: path, pictures: drawn.map(([name]) => name) };
}

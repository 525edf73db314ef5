/** Puts a report on the disk. */
import { dirname, extname, join } from 'node:path';
import { ModelError, reasonOf, UsageError } from '../../core/errors.js';
import { makeFolder, writeWhole } from '../../core/files.js';
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
 * Writes a page as `path`, and its pictures into a folder beside it: `report.html`, `report/loss.svg`, …
 *
 * @throws UsageError for a path that does not end in .html; ModelError naming the path that cannot be written
 */
export async function writeReport({ page, pictures }: Report, path: string): Promise<WrittenReport> {
  checkPagePath(path);
  const folder = folderOf(path);
  for (const needed of [dirname(path), folder]) {
    try {
      await makeFolder(needed);
    } catch (cause) {
      throw new ModelError(`${needed}: cannot be made: ${reasonOf(cause)}`, { cause });
    }
  }
  const paths: string[] = [];
  for (const [name, content] of pictures) {
    paths.push(join(folder, name));
    await writeWhole(join(folder, name), content);
  }
  await writeWhole(path, page);
  return { page: path, pictures: paths };
}

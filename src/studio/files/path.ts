/** What reading data of one's own needs of `node:path`, for paths from /. */
export const isAbsolute = (path: string): boolean => path.startsWith('/');

export const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const dirname = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

export function join(...parts: readonly string[]): string {
  const kept: string[] = [];
  for (const part of parts.join('/').split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `${parts[0]?.startsWith('/') ? '/' : ''}${kept.join('/')}`;
}

export const resolve = (...parts: readonly string[]): string =>
  join('/', ...parts.slice(parts.findLastIndex(isAbsolute)));

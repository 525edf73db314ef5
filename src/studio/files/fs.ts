/**
 * What reading data of one's own needs of `node:fs/promises`, over files that were dropped on the page: the bundler puts this
 * in its place (src/vendor/site.ts).
 */
const files = new Map<string, Blob>();
/** Names in each folder. */
const folders = new Map<string, Set<string>>();

/** Makes these files, by their paths from /, the only ones there are. */
export function provide(given: readonly { readonly path: string; readonly file: Blob }[]): void {
  files.clear();
  folders.clear();
  for (const { path, file } of given) {
    files.set(path, file);
    for (let at = path; at !== '/'; ) {
      const above = at.slice(0, at.lastIndexOf('/')) || '/';
      const names = folders.get(above) ?? new Set();
      folders.set(above, names.add(at.slice(at.lastIndexOf('/') + 1)));
      at = above;
    }
  }
}

const missing = (path: string) => new Error(`ENOENT: there is no ${path}`);

const kind = (path: string) => ({
  size: files.get(path)?.size ?? 0,
  isDirectory: () => folders.has(path),
  isFile: () => files.has(path),
  isSymbolicLink: () => false,
});

export async function stat(path: string) {
  if (!files.has(path) && !folders.has(path)) throw missing(path);
  return kind(path);
}

export const realpath = async (path: string): Promise<string> => path;

export async function readdir(path: string, options?: { readonly withFileTypes: boolean }) {
  const names = folders.get(path);
  if (names === undefined) throw missing(path);
  const above = path === '/' ? '' : path;
  return options === undefined
    ? [...names]
    : [...names].map((name) => ({ name, ...kind(`${above}/${name}`) }));
}

export async function open(path: string) {
  const file = files.get(path);
  if (file === undefined) throw missing(path);
  return {
    async read(bytes: Uint8Array, offset: number, length: number, position: number) {
      const piece = new Uint8Array(await file.slice(position, position + length).arrayBuffer());
      bytes.set(piece, offset);
      return { bytesRead: piece.length };
    },
    close: async () => {},
  };
}

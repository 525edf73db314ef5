/**
 * The list of the files that their user has trained with: hashes of recipes and of what those import. What stands in it
 * may run again where a run folder asks for it; what a run folder says itself proves nothing.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { makeFolder } from '../core/files.js';
import { sha256 } from '../core/sha256.js';

/**
 * The folder of what a user has decided: `QUERN_CONFIG`, else `quern` below `XDG_CONFIG_HOME` (which counts only if it is
 * an absolute path: XDG Base Directory Specification), else `~/.config/quern`. Not that of the cache, which is often shared.
 */
function configDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { QUERN_CONFIG: own, XDG_CONFIG_HOME: shared } = environment;
  if (own) return own;
  return join(shared && isAbsolute(shared) ? shared : join(homedir(), '.config'), 'quern');
}

/** Where the list is: a line per file, its SHA-256 and, for people, where it was. */
export const trustedList = (): string => join(configDirectory(), 'trusted-recipes.txt');

export const hashOf = (bytes: Uint8Array): Promise<string> => sha256('recipe', bytes);

/** Tells whether bytes of this SHA-256 are in the list. Without a list that can be read nothing is. */
export async function isTrusted(hash: string): Promise<boolean> {
  const text = await readFile(trustedList(), 'utf8').catch(() => '');
  return text.split('\n').some((line) => line.split(' ')[0] === hash);
}

/**
 * Adds a file to the list.
 *
 * @param path tells people what it was
 * @throws the system's own error where the list cannot be written
 */
export async function trust(hash: string, path: string): Promise<void> {
  if (await isTrusted(hash)) return;
  await makeFolder(configDirectory());
  // one small write at the end: two processes at once leave two lines
  await appendFile(trustedList(), `${hash} ${JSON.stringify(path)}\n`, { mode: 0o600 });
}

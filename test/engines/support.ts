/** Other versions of Node, as processes. */
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of node. */
export const otherNodes: readonly string[] = (process.env.QUERN_NODES ?? '')
  .split(delimiter)
  .filter((path) => path !== '');

/** Why `otherNodes` is empty. */
export const noOtherNodes = 'QUERN_NODES names none (paths of node, separated by colons)';

/** What a compiled script of this folder prints, as JSON. `words` go before and after its path. */
export async function runScript<Findings>(
  node: string,
  script: string,
  { flags = [], words = [] }: { readonly flags?: readonly string[]; readonly words?: readonly string[] } = {},
): Promise<Findings> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await run(node, [...flags, path, ...words], { timeout: 300_000 });
  return JSON.parse(stdout) as Findings;
}

/** The version of V8 in a node. */
export async function v8Version(node: string): Promise<string> {
  const { stdout } = await run(node, ['-p', 'process.versions.v8']);
  return stdout.trim();
}

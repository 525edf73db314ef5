/** Other versions of Node, as processes. */
import { execFile, execFileSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { whyNotNative } from '../../src/backends/wasm/native/choose.js';

const run = promisify(execFile);

/** Paths of node. */
export const otherNodes: readonly string[] = (process.env.QUERN_NODES ?? '')
  .split(delimiter)
  .filter((path) => path !== '');

/** Why `otherNodes` is empty. */
export const noOtherNodes = 'QUERN_NODES names none (paths of node, separated by colons)';

interface Words {
  readonly flags?: readonly string[];
  readonly words?: readonly string[];
}

/** All that a compiled script of this folder prints; `flags` go before its path, `words` behind. */
export async function printedBy(
  node: string,
  script: string,
  { flags = [], words = [] }: Words,
): Promise<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const limits = { timeout: 300_000, maxBuffer: 2 ** 28 };
  return (await run(node, [...flags, path, ...words], limits)).stdout;
}

/** What a script tells as JSON in the last line that it prints. */
export function findingsIn<Findings>(printed: string): Findings {
  return JSON.parse(printed.trimEnd().split('\n').at(-1)!) as Findings;
}

export async function runScript<Findings>(
  node: string,
  script: string,
  words: Words = {},
): Promise<Findings> {
  return findingsIn(await printedBy(node, script, words));
}

/** The version of V8 in a node. */
export async function v8Version(node: string): Promise<string> {
  const { stdout } = await run(node, ['-p', 'process.versions.v8']);
  return stdout.trim();
}

/** The first Node at hand that has foreign functions: this one, or another. */
export function ableNode(): string | undefined {
  if (whyNotNative() === undefined) return process.execPath;
  return otherNodes.find(
    (path) => Number.parseInt(execFileSync(path, ['-p', 'process.versions.node']).toString(), 10) >= 26,
  );
}

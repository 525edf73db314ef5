/**
 * Whether machine code gives the bytes of WebAssembly on this machine: found out once per version of Quern, engine and
 * processor in a process of its own, since a fault of machine code ends a process. What was found is kept in a file.
 */
import { defaultCacheDirectory, jsonText, makeFolder, writeWhole } from '../../../core/files.js';
import { isObject } from '../../../core/json.js';
import { machineKey } from '../../../core/machine.js';

/** `passed`, or what went wrong, in a few words. */
type Verdict = string;

const passed = 'passed';
const notRun = 'the test of machine code does not run here';
const tooSlow = 'the test of machine code took too long here';

/** Of the format; a file of another version is ignored. */
const version = 1;

const patience = 30_000;

/** What code ends a process by that is at fault; others come from outside. */
const faults: ReadonlySet<string | undefined> = new Set([
  ...['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'],
]);

/** What was found in this process. */
let found: Promise<Verdict> | undefined;

/**
 * Why machine code is not to be trusted here, or undefined. A process asks once.
 *
 * @param file default: native.json in the folder of all that Quern keeps
 */
export async function whyNotTrusted(file: string | undefined): Promise<string | undefined> {
  found ??= verdictOf(file);
  const verdict = await found;
  return verdict === passed ? undefined : verdict;
}

async function verdictOf(file: string | undefined): Promise<Verdict> {
  const { quern, processor } = await machineKey();
  const { node, deno, bun } = process.versions;
  const engine = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
  const machine = `quern ${quern}, ${processor}, ${engine}`;
  return keptVerdict(file ?? defaultFile(), machine, test);
}

function defaultFile(): string {
  const { join } = process.getBuiltinModule('node:path');
  return join(defaultCacheDirectory(), 'native.json');
}

/** What a file has of a machine, or what the test finds, which it has from then on, unless it was in vain. */
export async function keptVerdict(
  file: string,
  machine: string,
  find: () => Promise<Verdict>,
): Promise<Verdict> {
  const machines = await readMachines(file);
  const kept = machines[machine];
  if (typeof kept === 'string') return kept;
  const verdict = await find();
  if (verdict !== notRun && verdict !== tooSlow) await keep(file, { ...machines, [machine]: verdict });
  return verdict;
}

/** Runs the test. */
async function test(): Promise<Verdict> {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { fileURLToPath } = process.getBuiltinModule('node:url');
  const script = fileURLToPath(new URL('./selfTest.js', import.meta.url));
  const flags = process.versions.deno ? ['run', '--allow-all'] : [];
  return new Promise((done) => {
    try {
      execFile(process.execPath, [...flags, script], { timeout: patience }, (error, printed) => {
        if (error?.killed) done(tooSlow);
        else if (error?.signal) done(endedBy(error.signal));
        else done(error ? notRun : judge(printed));
      });
    } catch {
      // a process may not be allowed to start others
      done(notRun);
    }
  });
}

/** The verdict on a test that a signal has ended. One from outside, such as that of Ctrl-C, tells nothing: the next process tests. */
export const endedBy = (signal: string): Verdict =>
  faults.has(signal) ? `the test of machine code was ended by ${signal}` : notRun;

/** What the test has printed, as a verdict. */
export function judge(printed: string): Verdict {
  try {
    const { different } = JSON.parse(printed) as { different: string[] };
    return different.length === 0 ? passed : `machine code gives other bytes here: ${different.join(', ')}`;
  } catch {
    return notRun;
  }
}

async function readMachines(file: string): Promise<Record<string, unknown>> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  try {
    const contents: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (isObject(contents) && contents.version === version && isObject(contents.machines))
      return contents.machines;
  } catch {
    // as if there were none
  }
  return {};
}

async function keep(file: string, machines: Record<string, unknown>): Promise<void> {
  const { dirname } = process.getBuiltinModule('node:path');
  try {
    await makeFolder(dirname(file));
    await writeWhole(file, jsonText({ version, machines }));
  } catch {
    // the next process tests again
  }
}

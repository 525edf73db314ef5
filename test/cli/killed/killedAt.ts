/**
 * Loaded before the command line (`node --import`): kills the process right before its QUERN_KILL_AT-th operation on a file,
 * and keeps in the file QUERN_KILL_COUNT how many there were.
 */
import { writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.QUERN_KILL_AT ?? Number.POSITIVE_INFINITY);
const counted = process.env.QUERN_KILL_COUNT;
let operations = 0;

function count(): void {
  if (++operations === at) process.kill(process.pid, 'SIGKILL');
}

type Operation = (...parameters: unknown[]) => Promise<unknown>;

function watched(target: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(target, name) as Operation;
    Reflect.set(target, name, function (this: unknown, ...parameters: unknown[]) {
      count();
      return original.apply(this, parameters);
    });
  }
}

const handle = await fs.open(process.execPath, 'r');
watched(Object.getPrototypeOf(handle) as object, ['writeFile', 'sync']);
await handle.close();
watched(fs, ['link', 'mkdir', 'open', 'rename', 'rm', 'rmdir', 'writeFile']);
syncBuiltinESMExports();
process.once('exit', () => {
  if (counted !== undefined) writeFileSync(counted, String(operations));
});

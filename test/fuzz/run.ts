/**
 * Fuzzes until it is stopped, with seeds that were not tried before:
 *
 *     npm run fuzz -- [seconds, default: until Ctrl-C] [part of a target's name]
 *
 * An input that breaks a parser is kept in `fuzz-findings`, with what it threw. Exit code 1 if there are any.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fuzz } from './fuzz.js';
import { targets } from './targets.js';

const [seconds = 'Infinity', part = ''] = process.argv.slice(2);
const chosen = targets.filter(({ name }) => name.includes(part));
const end = performance.now() + Number(seconds) * 1000;
const first = Date.now() % 2 ** 31;
const round = 100;
const folder = 'fuzz-findings';
let inputs = 0;
let found = 0;
for (let seed = first; performance.now() < end && chosen.length > 0; seed += round) {
  for (const target of chosen) {
    const started = performance.now();
    for (const { target: name, seed: at, input, error } of await fuzz(target, seed, round)) {
      found++;
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${name.replace(/\W+/g, '-')}-${at}`);
      writeFileSync(file, input);
      writeFileSync(`${file}.txt`, error instanceof Error ? `${error.stack}\n` : `${String(error)}\n`);
      console.log(`${name}, seed ${at}: ${String(error).split('\n')[0]}; kept as ${file}`);
    }
    const each = (performance.now() - started) / round;
    if (each > 500)
      console.log(`${target.name}, seeds ${seed} to ${seed + round - 1}: ${each.toFixed(0)} ms each`);
    inputs += round;
  }
}
console.log(`${inputs} inputs, ${found} findings, seeds from ${first}`);
if (found > 0) process.exitCode = 1;

/** Tries many changed files: `node dist/test/formats/fuzzCommand.js <inputs> [first seed]`. Prints what it finds and the memory. */
import { samples, tryOne } from './fuzzing.js';

const [inputs = '10000', first = '1000'] = process.argv.slice(2);
const all = await samples();
let findings = 0;
for (let i = 0; i < Number(inputs); i++) {
  const finding = await tryOne(all[i % all.length]!, Number(first) + i);
  if (finding === undefined) continue;
  findings++;
  console.log(finding);
}
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(`${inputs} inputs over ${all.length} files, ${findings} findings, at most ${megabytes} MB`);
if (findings > 0) process.exitCode = 1;

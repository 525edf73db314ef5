import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { quern } from './support.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/commands.md'), 'utf8');
const [shared, ...sections] = page.split(/^## quern /m);
const optionsOf = (help: string) => [...help.matchAll(/^ {2}(--[a-z-]+) /gm)].map(([, option]) => option!);

suite('docs/commands.md', (test) => {
  test('has every command and option of --help, and no command that is not there', async () => {
    const { stdout } = await quern(['--help']);
    const commands = [...stdout.matchAll(/^ {2}quern ([a-z-]+)/gm)].map(([, command]) => command!);
    assert.equal(sections.map((section) => /^[a-z-]+/.exec(section)![0]).sort(), [...commands].sort());
    const helps = await Promise.all(commands.map((command) => quern([command, '--help'])));
    for (const [i, command] of commands.entries()) {
      const section = sections.find((text) => text.startsWith(command))!;
      const options = optionsOf(helps[i]!.stdout);
      assert.ok(options.length >= 3, command);
      const missing = options.filter((option) => !`${shared}${section}`.includes(`\`${option}`));
      assert.equal(missing, [], command);
    }
  });

  test('names no option that no command has', async () => {
    const { stdout } = await quern(['--help']);
    const commands = [...stdout.matchAll(/^ {2}quern ([a-z-]+)/gm)].map(([, command]) => command!);
    const helps = await Promise.all(commands.map((command) => quern([command, '--help'])));
    const known = new Set(helps.flatMap((help) => optionsOf(help.stdout)));
    // of subcommands, whose parents' help does not list them
    for (const option of ['--offline', '--keep-best', '--yes', '--page', '--add', '--remove'])
      known.add(option);
    const named = [...page.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option!);
    assert.equal(
      [...new Set(named)].filter((option) => !known.has(option)),
      [],
    );
  });
});

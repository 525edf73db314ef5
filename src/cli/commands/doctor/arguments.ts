import type { Argv } from 'yargs';
import { jsonOption } from '../../inputs/options.js';

/** `quern doctor` */
export function addDoctor(program: Argv<{ verbose: boolean }>): void {
  program.command(
    'doctor',
    'check and measure every backend on this machine; auto goes by it',
    (command) => command.options(jsonOption),
    async (options) => (await import('./run.js')).runDoctor(options),
  );
}

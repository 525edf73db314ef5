import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { readManifest } from '../../../data/catalog/manifest.js';
import { silent } from '../../inputs/datasets.js';
import type { DataArguments } from '../../inputs/options.js';
import { megabytes } from '../../terminal/format.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { packDataset, packIndex } from './pack.js';
import { startStudioServer } from './serve.js';

export interface StudioArguments extends DataArguments {
  readonly out?: string | undefined;
  readonly datasets: readonly string[];
  readonly force: boolean;
  readonly port: number;
}

/** What the build has made of src/studio. */
export const builtSite = fileURLToPath(new URL('../../../studio/site/', import.meta.url));

/** Everything that the manifest has. */
const offered = () => [...readManifest().datasets.keys()];

/** Writes the site, datasets included. */
async function writeSite(out: string, { datasets, force, ...options }: StudioArguments): Promise<void> {
  if (!force && (await exists(out)) && (await readdir(out)).length > 0) {
    throw new UsageError(`studio: ${out} is not empty`, {
      hint: '--force writes the site into it all the same.',
    });
  }
  const index = packIndex(datasets);
  await mkdir(join(out, 'data'), { recursive: true });
  await cp(builtSite, out, { recursive: true });
  const progress = await Progress.open(false);
  let bytes = 0;
  try {
    for (const name of datasets) {
      progress.note(`packing ${name}`);
      for (const file of await packDataset(name, options, progress, true)) {
        await writeFile(join(out, 'data', file.name), file.bytes);
        bytes += file.bytes.length;
      }
    }
  } finally {
    progress.clear();
  }
  // last: a site with an index is whole
  await writeFile(join(out, 'data', index.name), index.bytes);
  print(
    `${out}: the site, ${datasets.join(' and ')} with ${megabytes(bytes)}; any host of files can serve it`,
  );
}

/** Serves the studio until Ctrl-C, or writes it as a site. */
export async function runStudio(options: StudioArguments): Promise<void> {
  if (options.out !== undefined) return writeSite(options.out, options);
  const interrupt = new Interrupt(() => {});
  try {
    const server = await startStudioServer(
      { site: builtSite, datasets: offered(), pack: (name) => packDataset(name, options, silent, false) },
      options.port,
    );
    print(`${server.url}\nCtrl-C ends it`);
    await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()));
    await server.close();
  } finally {
    interrupt.end();
  }
}

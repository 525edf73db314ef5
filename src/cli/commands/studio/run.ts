import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataError, reasonOf, UsageError } from '../../../core/errors.js';
import { makeFolder, withFolder } from '../../../core/files.js';
import { readManifest } from '../../../data/catalog/manifest.js';
import { silent } from '../../inputs/datasets.js';
import type { DataArguments } from '../../inputs/options.js';
import { megabytes } from '../../terminal/format.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { type PackedFile, packDataset, packIndex } from './pack.js';
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

/** All datasets, before a site is begun: any of them may not be to be had. */
async function packAll(names: readonly string[], options: DataArguments): Promise<PackedFile[]> {
  const files: PackedFile[] = [];
  const progress = await Progress.open(false);
  try {
    for (const name of names) {
      progress.note(`packing ${name}`);
      files.push(...(await packDataset(name, options, progress, true)));
    }
  } finally {
    progress.clear();
  }
  return files;
}

/** Writes the site, datasets included. Where that fails, a folder that was empty is left empty. */
async function writeSite(out: string, { datasets, force, ...options }: StudioArguments): Promise<void> {
  const isNew = (await readdir(out).catch(() => [])).length === 0;
  if (!force && !isNew) {
    throw new UsageError(`studio: ${out} is not empty`, {
      hint: '--force writes the site into it all the same.',
    });
  }
  const index = packIndex(datasets);
  const files = await packAll(datasets, options);
  await withFolder(out, async () => {
    try {
      await cp(builtSite, out, { recursive: true });
      await makeFolder(join(out, 'data'));
      // the index last: a site that has one is whole
      for (const { name, bytes } of [...files, index]) await writeFile(join(out, 'data', name), bytes);
    } catch (cause) {
      const made = isNew ? [...(await readdir(builtSite)), 'data'] : [];
      for (const name of made) await rm(join(out, name), { recursive: true, force: true });
      throw new DataError(`${out}: the site cannot be written: ${reasonOf(cause)}`, { cause });
    }
  });
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  print(
    `${out}: the site, ${datasets.join(' and ')} with ${megabytes(size)}; any host of files can serve it`,
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

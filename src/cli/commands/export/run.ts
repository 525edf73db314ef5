import { basename, dirname, extname, join } from 'node:path';
import { UsageError } from '../../../core/errors.js';
import { withFolder, writeTogether } from '../../../core/files.js';
import { at } from '../../../core/lists.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import { type ExportResults, exportModel } from '../../../formats/export.js';
import { readConfig } from '../../../runs/config.js';
import { modelPathOf } from '../../../runs/files.js';
import { readResult } from '../../../runs/result.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import type { BackendArguments, DataArguments } from '../../inputs/options.js';
import { isKnown } from '../../inputs/ownData.js';
import { readModel } from '../../inputs/ownRecipe.js';
import { print } from '../../terminal/output.js';
import { checkOnnx, type OnnxCheck } from './check.js';
import { formatNames, formatOf } from './names.js';
import { checkTargets } from './targets.js';
import { checkText } from './text.js';

export interface ExportArguments extends BackendArguments, DataArguments {
  readonly model: string;
  readonly file: string;
  readonly to?: string | undefined;
  readonly force: boolean;
  readonly check: boolean;
  readonly dataset?: string | undefined;
  readonly data?: string | undefined;
  readonly limit?: number | undefined;
  readonly json: boolean;
}

/** How the run did, and under which license its data is, where that is known. */
async function resultsOf(argument: string, { details }: ModelFile): Promise<ExportResults> {
  const folder = (await modelPathOf(argument)) === argument ? dirname(argument) : argument;
  const result = await readResult(folder).catch(() => undefined);
  const config = await readConfig(folder).catch(() => undefined);
  const entry = isKnown(details.dataset) ? findEntry(readManifest(), details.dataset) : undefined;
  return {
    dataLicense: entry?.license,
    accuracy: result?.testAccuracy ?? undefined,
    interval: result?.testInterval ?? undefined,
    epochs: result?.epochs,
    count: config?.data.test.count,
  };
}

/** The name that files give each other: that of the file, without its ending. */
function stemOf(file: string, ending: string | undefined): string {
  const name = basename(file);
  return ending !== undefined && name.toLowerCase().endsWith(ending)
    ? name.slice(0, -ending.length)
    : basename(name, extname(name));
}

/** Exports a model, and with `--check` holds the file against it. */
export async function runExport(options: ExportArguments): Promise<void> {
  const { model, file, to, force, check, json } = options;
  const name = formatOf(file, to);
  const { format, ending } = formatNames[name];
  if (check && format !== 'onnx') {
    throw new UsageError(`--check runs ONNX files in ONNX Runtime: ${file} is written as ${name}`);
  }
  const source = await readModel(model);
  const exported = await exportModel(source, format, {
    name: stemOf(file, ending),
    file: basename(file),
    results: await resultsOf(model, source),
  });
  const folder = exported.folder ? file : dirname(file);
  const files = exported.files.map(({ name, bytes }) => ({
    path: name === '' ? file : join(folder, name),
    bytes,
  }));
  await checkTargets(
    files.map(({ path }) => path),
    { source: source.path, force },
  );
  // the first needs the others, so it comes last
  const [first, ...others] = files.map(({ path, bytes }) => [path, bytes] as const);
  await withFolder(folder, () => writeTogether([...others, first!]));
  const written = files.map(({ path, bytes }) => ({ path, bytes: bytes.length }));
  let checked: OnnxCheck | undefined;
  if (check) checked = await checkOnnx(file, at(exported.files, 0).bytes, source, options);
  if (json)
    print(JSON.stringify({ model, format: name, files: written, notes: exported.notes, check: checked }));
  else {
    const lines = written.map(({ path, bytes }) => `${path}: ${bytes} bytes`);
    print([...lines, ...exported.notes, ...(checked === undefined ? [] : [checkText(checked)])].join('\n'));
  }
  if (checked !== undefined && !checked.equal) process.exitCode = 1;
}

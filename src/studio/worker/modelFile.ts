/** A model of a file that was opened: any that `exportModel` writes, or another framework has written. Nothing in it is run. */
import {
  DataError,
  decodeForeignModel,
  openModel,
  pixelScales,
  type TrainedModel,
  UsageError,
} from '../../browser.js';
import type { Settings } from '../shared/settings.js';
import { openFor } from './engine.js';
import { Looking } from './looking.js';
import { type Form, formOf, modelOf, recipeOf } from './prepare.js';

/** A model that is looked at and drawn for: of a run or of a file. */
export interface Viewed {
  readonly trained: TrainedModel;
  readonly looking: Looking;
  close(): Promise<void>;
}

const bytesOf = async (file: Blob) => new Uint8Array(await file.arrayBuffer());

/** Files that stand beside the one that names them. */
const isBeside = ({ name }: File) => /(\.bin|\.py|\.js|\.md|config\.json)$/.test(name);

/**
 * Opens a model file. Where it has no architecture, the recipe and layers of the settings are filled; where it does not
 * say what its input is, pixels from 0 to 1 are.
 *
 * @returns the model, and what was found or assumed, a line each
 * @throws DataError, ModelError or UsageError for what is no model that Quern can have
 */
export async function openModelFile(
  files: readonly File[],
  settings: Settings,
  own: Form | undefined,
): Promise<Viewed & { readonly name: string; readonly notes: readonly string[] }> {
  const main = files.find((file) => !isBeside(file)) ?? files[0];
  if (main === undefined) throw new DataError('model: no file was given');
  const layers = modelOf(await recipeOf(settings), settings, await formOf(settings, own));
  const bytes = await bytesOf(main);
  const options = {
    layers: { layer: layers.layer, inputShape: layers.inputShape },
    image: layers.inputShape,
    beside: async (wanted: string) => {
      const found = files.find(({ name }) => name === wanted.split('/').at(-1));
      if (found === undefined)
        throw new DataError(`${main.name}: the file '${wanted}' is wanted beside it: choose both`);
      return bytesOf(found);
    },
  };
  const { notes, ...file } = await decodeForeignModel(bytes, options, main.name).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    return decodeForeignModel(bytes, { ...options, pixels: pixelScales['0..1'] }, main.name);
  });
  const { engine } = await openFor(settings);
  try {
    const trained = await openModel(engine, file);
    const looking = new Looking(engine, trained.model, trained.details.normalization);
    return { name: main.name, trained, looking, notes, close: () => engine.close() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

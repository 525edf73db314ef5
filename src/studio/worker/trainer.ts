/** The worker of the page: trains, and answers what the page asks of the model. */
import { DataError, datasets, type ExportFormat, exportModel, summarize, UsageError } from '../../browser.js';
import type { Drawing, OpenedFile, OwnFiles, Requests } from '../shared/messages.js';
import { answerCalls } from '../shared/rpc.js';
import type { Settings } from '../shared/settings.js';
import { judge } from './judge.js';
import type { Viewed } from './modelFile.js';
import { loadPacked } from './packed.js';
import { catalog, describe } from './prepare.js';
import { dataStateOf, type Parts, Session } from './session.js';
import { readState } from './states.js';

let session: Session | undefined;
/** The model that is drawn for and looked into: the session's, or one of a file. */
let viewed: Viewed | undefined;
/** What was dropped. */
let own: Parts | undefined;
/** What is looked at before there is a run. */
let shown: Parts | undefined;

async function partsOf({ dataset }: Settings, whole: boolean): Promise<Parts> {
  if (dataset === 'own') {
    if (own === undefined)
      throw new DataError('data of your own: nothing has been dropped since the page was opened', {
        hint: 'Drop the same folder or file again.',
      });
    return own;
  }
  const test = await loadPacked(dataset, 'test');
  return { test, train: whole ? await loadPacked(dataset, 'train') : { ...test, split: 'train' } };
}

/** A drawing as the images of the dataset are: where MNIST's preparation is wanted, gray. */
function prepared({ gray, width, height }: Drawing): Uint8Array {
  const [rows = 28, columns = 28, channels = 1] = viewed?.trained.model.inputShape ?? shown?.test.shape ?? [];
  const picture = {
    ...{ width, height, channels: 1 },
    readRow: (y: number, row: Float64Array) => row.set(gray.subarray(y * width, (y + 1) * width)),
  };
  const small = datasets.centerDigit(picture, rows, columns);
  return channels === 1
    ? small
    : Uint8Array.from({ length: small.length * channels }, (_, i) => small[Math.floor(i / channels)]!);
}

async function readOwn(files: OwnFiles, { told = {} }: Settings): Promise<Parts> {
  const { readDropped } = await import('./dropped.js');
  return readDropped(files, told);
}

async function closeViewed(): Promise<void> {
  await session?.close();
  if (viewed !== session) await viewed?.close();
  session = undefined;
  viewed = undefined;
}

/** Opens a model file in the place of the session, and looks at the test images with it where they are of its form. */
async function openFile({ files, settings }: Requests['openFile']['ask']): Promise<OpenedFile> {
  const { openModelFile } = await import('./modelFile.js');
  const { name, notes, ...opened } = await openModelFile(files, settings, own?.train);
  await closeViewed();
  viewed = opened;
  const { engine, model, details } = opened.trained;
  const test = shown?.test;
  const { inputShape, outputShape } = model;
  const fits = String(test?.shape) === String(inputShape) && test?.classes.length === outputShape[0];
  if (test !== undefined && fits)
    await judge({
      ...{ engine, model, normalization: details.normalization, dataset: test, of: 'test' },
      ...{ most: test.count, signal: new AbortController().signal },
    });
  const classes = fits && test !== undefined ? test.classes : details.classes;
  return { name, notes, classes, shape: inputShape, parameters: summarize(model).parameters, judged: fits };
}

/** The run of these settings: the open one, or a new one in its place. */
async function sessionFor(id: string, settings: Settings): Promise<Session> {
  if (session?.id === id && JSON.stringify(session.settings) === JSON.stringify(settings)) return session;
  await closeViewed();
  const opened = await Session.open(id, settings, await partsOf(settings, true));
  session = opened;
  viewed = opened;
  shown = opened.data;
  return opened;
}

answerCalls({
  describe: (settings) => describe(settings, own?.train),
  load: async ({ settings, own: files }) => {
    if (files !== undefined) own = await readOwn(files, settings);
    shown = await partsOf(settings, false);
    return dataStateOf(shown);
  },
  train: async ({ settings, id, resume, single }) => {
    const found = await sessionFor(id, settings);
    try {
      return await found.train(resume, single);
    } catch (error) {
      // a lost GPU computes no more: going on opens another engine
      if (settings.backend === 'gpu') await closeViewed().catch(() => {});
      throw error;
    }
  },
  pause: () => {
    session?.pause();
    return undefined;
  },
  open: async ({ settings, id }) => {
    const stored = await readState(id);
    if (stored === undefined) return undefined;
    const opened = await sessionFor(id, settings);
    await opened.show(stored);
    return { step: stored.step };
  },
  openFile,
  catalog,
  classify: async ({ pixels, drawing }) => {
    const image = pixels ?? prepared(drawing!);
    if (viewed === undefined) return { pixels: image };
    return { pixels: image, probabilities: (await viewed.trained.predict(image)).data };
  },
  saliency: ({ pixels, label }) => viewed?.looking.saliency(pixels, label),
  look: async (pixels) =>
    viewed === undefined
      ? { maps: [], filters: undefined }
      : { maps: await viewed.looking.maps(pixels), filters: await viewed.looking.filters() },
  testImage: (wanted) => {
    const test = (session?.data ?? shown)?.test;
    if (test === undefined) throw new UsageError('there are no test images yet');
    const index = wanted % test.count;
    const size = test.images.length / test.count;
    return { index, pixels: test.images.slice(index * size, (index + 1) * size), label: test.labels[index]! };
  },
  inside: async (settings) => (await import('./inside.js')).inside(settings, own?.train),
  export: async ({ format, name }) => {
    if (viewed === undefined) throw new UsageError('there is no model yet');
    const { files } = await exportModel(viewed.trained, format as ExportFormat, { name });
    return files.map(({ name: file, bytes }) => ({ name: file, bytes }));
  },
});

/** What the page asks of its worker, and what the worker tells. Plain data. */
import type { EpochRecord, FitProgress, InsideView, Summary } from '../../browser.js';
import type { Settings } from './settings.js';

/** What was dropped: the files with their paths. */
export interface OwnFiles {
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly file: File }[];
}

/** How a recipe stands with settings, before it is trained. */
export interface Described {
  readonly title: string;
  readonly dataset: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly optimizer: string;
  /** Everything else that can be set, with its value now. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** As `describeLayer` gives them. */
  readonly layers: unknown;
  readonly summary?: Summary;
  /** Why there is no summary. */
  readonly problem?: string;
}

export interface BackendState {
  readonly backend: string;
  readonly threads?: number;
  readonly numerics: string;
  /** What it does without, in words. */
  readonly without: readonly string[];
}

/** How classes were taken for each other, on the images that were looked at so far. */
export interface Judged {
  readonly of: 'validation' | 'test';
  readonly done: number;
  readonly count: number;
  /** `[true class × predicted class]` */
  readonly confusion: readonly number[];
  readonly mistakes: readonly Mistake[];
}

export interface Mistake {
  readonly index: number;
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly taken: number;
  readonly probability: number;
}

export interface Finished {
  readonly ending: string;
  readonly steps: number;
  readonly seconds: number;
  readonly weightsSha256: string;
  readonly test?: { readonly accuracy: number; readonly loss: number; readonly interval: readonly number[] };
}

/** What the worker tells of its own accord. */
export type Told =
  | { readonly kind: 'note'; readonly text: string }
  /** What was taken where data of one's own left it open. */
  | { readonly kind: 'dataNote'; readonly text: string }
  | { readonly kind: 'loading'; readonly what: string; readonly done: number; readonly total: number }
  | {
      readonly kind: 'began';
      readonly backend: BackendState;
      readonly data: DataState;
      readonly steps: number;
    }
  | { readonly kind: 'progress'; readonly progress: FitProgress; readonly totalSteps: number }
  | { readonly kind: 'epoch'; readonly record: EpochRecord }
  | { readonly kind: 'judged'; readonly judged: Judged }
  | { readonly kind: 'saved'; readonly step: number; readonly bytes: number }
  | { readonly kind: 'unsaved'; readonly why: string };

export interface DataState {
  readonly name: string;
  readonly shape: readonly [number, number, number];
  readonly classes: readonly string[];
  readonly train: number;
  readonly test: number;
}

/** Activations of a layer for one image: `[height, width]` each. */
export interface FeatureMaps {
  readonly layer: string;
  readonly height: number;
  readonly width: number;
  readonly maps: readonly Float32Array[];
}

export interface Filters {
  readonly layer: string;
  readonly height: number;
  readonly width: number;
  readonly filters: readonly Float32Array[];
}

/** What can be chosen. */
export interface Catalog {
  readonly recipes: readonly string[];
  readonly datasets: readonly { readonly name: string; readonly title: string }[];
  readonly formats: readonly string[];
}

/** A model of a file. */
export interface OpenedFile {
  readonly name: string;
  /** What was found or assumed in it. */
  readonly notes: readonly string[];
  readonly classes: readonly string[];
  readonly shape: readonly number[];
  readonly parameters: number;
  /** The test images are of its form, and were looked at. */
  readonly judged: boolean;
}

/** What was drawn: gray, bright on dark, `[height, width]`. */
export interface Drawing {
  readonly gray: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What may be asked: argument and answer. */
export interface Requests {
  describe: { ask: Settings; answer: Described };
  /** Loads a dataset, or what was dropped. */
  load: { ask: { settings: Settings; own?: OwnFiles }; answer: DataState };
  /** Trains on, from the stored state of `id` if there is one. */
  train: { ask: { settings: Settings; id: string; resume: boolean; single: boolean }; answer: Finished };
  pause: { ask: undefined; answer: undefined };
  /** Makes a stored run's model the one that is looked at, untrained on. */
  open: { ask: { settings: Settings; id: string }; answer: { readonly step: number } | undefined };
  /** Opens a model file in the place of a run; what stands beside it comes with it. */
  openFile: { ask: { readonly settings: Settings; readonly files: readonly File[] }; answer: OpenedFile };
  catalog: { ask: undefined; answer: Catalog };
  /** Of a drawing, which is prepared as MNIST's digits were; or of pixels in the form of the dataset. */
  classify: {
    ask: { readonly drawing?: Drawing; readonly pixels?: Uint8Array };
    answer: { readonly pixels: Uint8Array; readonly probabilities?: Float32Array };
  };
  saliency: { ask: { pixels: Uint8Array; label: number }; answer: Float32Array | undefined };
  look: { ask: Uint8Array; answer: { maps: readonly FeatureMaps[]; filters: Filters | undefined } };
  testImage: { ask: number; answer: { index: number; pixels: Uint8Array; label: number } };
  /** A training step of these settings, as it runs. */
  inside: { ask: Settings; answer: InsideView };
  export: { ask: { format: string; name: string }; answer: readonly { name: string; bytes: Uint8Array }[] };
}

export type RequestName = keyof Requests;

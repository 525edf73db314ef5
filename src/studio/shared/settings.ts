/** What a training in the page is asked for: plain data, which a link holds and a stored run keeps. */
import { type Json, UsageError } from '../../browser.js';

export type SettingValue = number | string | boolean;

/** Facts about data of one's own, in the words of `quern train`. */
export interface DataFacts {
  /** Of images that are stored as lists of pixels, such as 20x30x1. */
  readonly storedShape?: string;
  /** The column of labels of a CSV file: its name, or its number from 1. */
  readonly label?: string;
  /** The numbers that are black and white, such as 0,16. */
  readonly pixelRange?: string;
  readonly invert?: boolean;
  readonly centerDigits?: boolean;
  readonly skipBad?: boolean;
}

/** What is told of each, in this order. */
export const dataFacts = {
  storedShape: 'text',
  label: 'text',
  pixelRange: 'text',
  invert: 'flag',
  centerDigits: 'flag',
  skipBad: 'flag',
} as const satisfies Record<keyof DataFacts, 'text' | 'flag'>;

export interface Settings {
  /** Name of a recipe that comes with Quern. */
  readonly recipe: string;
  /** Name of a packed dataset, or 'own' for data that was dropped. */
  readonly dataset: string;
  readonly seed: number;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly optimizer?: string;
  /** Fraction of the training images to hold out. */
  readonly validation?: number;
  /** Only the first images. */
  readonly limit?: number;
  /** Other settings of the recipe, by the names that `quern train --set` takes. */
  readonly set?: Readonly<Record<string, SettingValue>>;
  /** Of data of one's own. */
  readonly told?: DataFacts;
  /** Layers in place of the recipe's, as `describeLayer` gives them. */
  readonly layers?: Json;
  readonly backend: 'wasm' | 'gpu';
  /** Default: the processors, up to 8; 1 on pages without isolation. */
  readonly threads?: number;
}

export const initialSettings: Settings = { recipe: 'mnist-mlp', dataset: 'mnist', seed: 0, backend: 'wasm' };

/** More is no link of a studio. */
const longestLink = 2 ** 16;

type Check = (value: unknown) => boolean;
const name: Check = (value) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const between =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && value > low && value < high;
const values: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(
    ([key, each]) =>
      /^[a-zA-Z][\w.]{0,63}$/.test(key) &&
      (typeof each === 'boolean' || Number.isFinite(each) || (typeof each === 'string' && each.length <= 64)),
  );

const facts: Check = (value) =>
  values(value) &&
  Object.entries(value as object).every(
    ([key, each]) =>
      Object.hasOwn(dataFacts, key) &&
      typeof each === (dataFacts[key as keyof DataFacts] === 'flag' ? 'boolean' : 'string'),
  );

/** What each member must be, and how that is said. */
const members: Readonly<Record<keyof Settings, readonly [Check, string]>> = {
  recipe: [name, 'the name of a recipe'],
  dataset: [name, 'the name of a dataset'],
  seed: [(value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number of at least 0'],
  epochs: [(value) => count(value) && (value as number) <= 10_000, 'a whole number from 1 to 10000'],
  batchSize: [(value) => count(value) && (value as number) <= 65_536, 'a whole number from 1 to 65536'],
  learningRate: [between(0, 1e6), 'a number above 0'],
  optimizer: [name, 'the name of an optimizer'],
  validation: [between(0, 1), 'a number between 0 and 1'],
  limit: [count, 'a whole number of at least 1'],
  set: [values, 'numbers, texts, true or false by their names'],
  told: [facts, 'facts about data of your own, by their names'],
  layers: [(value) => typeof value === 'object' && value !== null, 'the description of layers'],
  backend: [(value) => value === 'wasm' || value === 'gpu', 'wasm or gpu'],
  threads: [(value) => count(value) && (value as number) <= 64, 'a whole number from 1 to 64'],
};

const required = ['recipe', 'dataset', 'seed', 'backend'] as const;

/**
 * Settings that came as data. Layers are looked at where they are made (`modelOfDescription`).
 *
 * @throws UsageError naming the member that is wrong
 */
export function checkSettings(value: unknown): Settings {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('settings: they must be an object');
  const given = new Map(Object.entries(value));
  const missing = required.find((each) => !given.has(each));
  if (missing !== undefined) throw new UsageError(`settings: ${missing} is missing`);
  for (const [key, each] of given) {
    if (!Object.hasOwn(members, key)) throw new UsageError(`settings: there is no '${key.slice(0, 64)}'`);
    const [check, wanted] = members[key as keyof Settings];
    if (!check(each)) throw new UsageError(`settings: ${key} must be ${wanted}`);
  }
  return value as Settings;
}

/** The part of an address behind # that holds settings. */
export function linkOf(settings: Settings): string {
  const bytes = new TextEncoder().encode(JSON.stringify(settings));
  const text = btoa(String.fromCharCode(...bytes));
  return `#run=${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/**
 * The settings of a link; undefined where it holds none.
 *
 * @throws UsageError for what is no link of a studio
 */
export function settingsOfLink(hash: string): Settings | undefined {
  const text = /^#run=(.*)$/s.exec(hash)?.[1];
  if (text === undefined) return undefined;
  if (text.length > longestLink)
    throw new UsageError(`link: ${text.length} characters, at most ${longestLink} are taken`);
  let value: unknown;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) =>
      one.charCodeAt(0),
    );
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new UsageError('link: what stands behind #run= is no text of settings', { cause });
  }
  return checkSettings(value);
}

/** The options of `quern train` that say the same, but for the recipe. */
export function optionsOf(settings: Settings): string[] {
  const {
    epochs,
    batchSize,
    learningRate,
    optimizer,
    seed,
    validation,
    limit,
    set = {},
    told = {},
  } = settings;
  const options = { epochs, batchSize, learningRate, optimizer, seed, validation, limit };
  const dashed = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const quoted = (value: unknown) =>
    /^[\w.,:/=-]+$/.test(String(value)) ? String(value) : `'${String(value).replaceAll("'", "'\\''")}'`;
  return [
    ...Object.entries(options).flatMap(([key, value]) =>
      value === undefined ? [] : [`--${dashed(key)} ${quoted(value)}`],
    ),
    ...Object.entries(told).map(([key, value]) =>
      value === true ? `--${dashed(key)}` : `--${dashed(key)} ${quoted(value)}`,
    ),
    ...Object.entries(set).map(([key, value]) => `--set ${quoted(`${key}=${value}`)}`),
  ];
}

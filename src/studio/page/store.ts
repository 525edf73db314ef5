/** The list of runs that the browser keeps; their states are the worker's affair. */
import { createStore, del, entries, set, type UseStore } from 'idb-keyval';
import type { Finished } from '../shared/messages.js';
import { checkSettings, type Settings } from '../shared/settings.js';
import type { Curve } from './curves.js';

export interface StoredRun {
  readonly id: string;
  readonly settings: Settings;
  readonly created: number;
  readonly curve: Curve;
  /** Steps in all, and of them done when the state was saved last. */
  readonly steps: number;
  readonly saved: number;
  /** Of the state. */
  readonly bytes: number;
  readonly finished?: Finished;
}

const stores = new Map<string, UseStore>();
function storeOf(database: string, name: string): UseStore {
  const known = stores.get(database) ?? createStore(database, name);
  stores.set(database, known);
  return known;
}
const runs = () => storeOf('quern-studio-runs', 'runs');
const states = () => storeOf('quern-studio-states', 'states');

/** What is kept only as long as the page is open, where the browser keeps nothing. */
const held = new Map<string, StoredRun>();

const isRun = (value: unknown): value is StoredRun => {
  try {
    const { id, settings, curve } = value as StoredRun;
    checkSettings(settings);
    return typeof id === 'string' && Array.isArray(curve.points) && Array.isArray(curve.validated);
  } catch {
    return false;
  }
};

/** All runs, the youngest first, and whether the browser keeps any. */
export async function listRuns(): Promise<{ readonly list: readonly StoredRun[]; readonly keeps: boolean }> {
  let keeps = true;
  let stored: [string, unknown][] = [];
  try {
    stored = await entries<string, unknown>(runs());
  } catch {
    keeps = false;
  }
  const all = new Map(stored.flatMap(([id, value]) => (isRun(value) ? [[id, value] as const] : [])));
  for (const [id, run] of held) all.set(id, run);
  return { list: [...all.values()].sort((a, b) => b.created - a.created), keeps };
}

/** Keeps a run. False where the browser does not: then it is there as long as the page is. */
export async function keepRun(run: StoredRun): Promise<boolean> {
  try {
    await set(run.id, run, runs());
    held.delete(run.id);
    return true;
  } catch {
    held.set(run.id, run);
    return false;
  }
}

export async function deleteRun(id: string): Promise<void> {
  held.delete(id);
  for (const store of [runs, states]) {
    try {
      await del(id, store());
    } catch {
      // where nothing is kept there is nothing to delete
    }
  }
}

/** Bytes that the site takes and may take, where the browser tells. */
export async function room(): Promise<{ readonly usage: number; readonly quota: number } | undefined> {
  const { usage, quota } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  return usage === undefined || quota === undefined ? undefined : { usage, quota };
}

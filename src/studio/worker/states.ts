/** States of trainings, kept in the browser: what resuming needs. */
import { createStore, get, set, type UseStore } from 'idb-keyval';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../browser.js';
import { tell } from '../shared/rpc.js';

let opened: UseStore | undefined;
const store = () => {
  opened ??= createStore('quern-studio-states', 'states');
  return opened;
};

/** Where the browser keeps nothing: as long as the page is open. */
const held = new Map<string, Uint8Array>();

const reasonOf = (error: unknown): string =>
  error instanceof DOMException && error.name === 'QuotaExceededError'
    ? 'the browser has no room left: delete runs that are not needed'
    : `the browser keeps nothing here (${error instanceof Error ? error.message : String(error)})`;

/** Keeps a state. Where the browser refuses, it is held as long as the page is open, and that is said. */
export async function saveState(id: string, checkpoint: Checkpoint): Promise<void> {
  const bytes = await encodeCheckpoint(checkpoint);
  try {
    await set(id, bytes, store());
    held.delete(id);
    tell({ kind: 'saved', step: checkpoint.step, bytes: bytes.length });
  } catch (error) {
    held.set(id, bytes);
    tell({ kind: 'unsaved', why: reasonOf(error) });
  }
}

async function stored(id: string): Promise<Uint8Array | undefined> {
  try {
    return await get<Uint8Array>(id, store());
  } catch {
    return undefined;
  }
}

/** The state of a run; undefined where there is none. Throws for one that is damaged. */
export async function readState(id: string): Promise<Checkpoint | undefined> {
  const bytes = held.get(id) ?? (await stored(id));
  return bytes === undefined ? undefined : decodeCheckpoint(bytes, 'the stored run');
}

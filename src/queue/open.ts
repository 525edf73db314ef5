/** A queue with its store: on this machine alone, or on a server. */

import { join } from 'node:path';
import { parseServerAddress } from './address.js';
import { type Connection, connect, type OnFault } from './connection.js';
import { startEmbedded } from './embedded.js';
import { markStore } from './handOut.js';
import { openMemory } from './memory.js';
import { openStore, type Store } from './store.js';

export interface OpenQueue {
  readonly connection: Connection;
  readonly store: Store;
  readonly mark: string;
  /** Whether it is in this process, so that nobody else takes its jobs. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

/** A queue without an address is of this process; `pglite` is PostgreSQL in it. */
async function open(queue: string | undefined, onFault: OnFault) {
  if (queue === undefined) return { connection: openMemory(), end: async () => {} };
  const embedded = queue === 'pglite' ? await startEmbedded() : undefined;
  const end = async () => embedded?.close();
  try {
    const address = parseServerAddress(embedded?.url ?? queue, '--queue');
    return { connection: await connect(address, onFault), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Opens a queue.
 *
 * @param queue address of a server; `pglite` for PostgreSQL in this process; default: the memory of this process
 * @param store a folder, server or bucket; default: the server of the queue, without one the folder `store` in `folder`
 * @throws UsageError for an address that is none; BackendError for a server that cannot be reached
 */
export async function openQueue(
  options: {
    readonly queue?: string | undefined;
    readonly store?: string | undefined;
    readonly folder: string;
  },
  onFault: OnFault,
): Promise<OpenQueue> {
  const { queue, folder } = options;
  const { connection, end } = await open(queue, onFault);
  const served = queue !== undefined && queue !== 'pglite';
  try {
    const store = await openStore(options.store ?? (served ? queue : join(folder, 'store')));
    return {
      connection,
      store,
      mark: await markStore(store),
      embedded: !served,
      async close() {
        await store.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

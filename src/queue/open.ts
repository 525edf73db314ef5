/** A queue with its store: on this machine alone, or on a server. */

import { join } from 'node:path';
import { parseServerAddress } from './address.js';
import { type Connection, connect, type OnFault } from './connection.js';
import { startEmbedded } from './embedded.js';
import { markStore } from './handOut.js';
import { openStore, type Store } from './store.js';

export interface OpenQueue {
  readonly connection: Connection;
  readonly store: Store;
  readonly mark: string;
  /** Whether it is in this process, so that nobody else takes its jobs. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

/**
 * Opens a queue.
 *
 * @param queue address of a server; without one PostgreSQL runs in this process
 * @param store a folder, server or bucket; default: the server of the queue, without one the folder `store` in `folder`
 * @throws UsageError for an address that is none; BackendError for a server that cannot be reached
 */
export async function openQueue(
  {
    queue,
    store: storeAddress,
    folder,
  }: {
    readonly queue?: string | undefined;
    readonly store?: string | undefined;
    readonly folder: string;
  },
  onFault: OnFault,
): Promise<OpenQueue> {
  const embedded = queue === undefined ? await startEmbedded() : undefined;
  try {
    const address = parseServerAddress(queue ?? embedded!.url, '--queue');
    const connection = await connect(address, onFault);
    const store = await openStore(storeAddress ?? queue ?? join(folder, 'store'));
    return {
      connection,
      store,
      mark: await markStore(store),
      embedded: queue === undefined,
      async close() {
        await connection.close();
        await store.close();
        await embedded?.close();
      },
    };
  } catch (error) {
    await embedded?.close();
    throw error;
  }
}

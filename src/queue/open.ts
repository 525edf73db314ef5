/** A queue with its store: of this process, or on a server. */

import { join } from 'node:path';
import { parseServerAddress } from './address.js';
import { type Connection, connect, connectEmbedded, type OnFault } from './connection.js';
import type { Embedded } from './embedded.js';
import { markStore } from './handOut.js';
import { openStore, type Store } from './store.js';

export interface OpenQueue {
  readonly connection: Connection;
  readonly store: Store;
  readonly mark: string;
  close(): Promise<void>;
}

/**
 * Opens a queue.
 *
 * @param queue address of a server, or a server in this process
 * @param store a folder, server or bucket; default: the server of the queue, of one in this process the folder `store` in
 * `folder`
 * @throws UsageError for an address that is none; BackendError for a server that cannot be reached
 */
export async function openQueue(
  options: {
    readonly queue: string | Embedded;
    readonly store?: string | undefined;
    readonly folder: string;
  },
  onFault: OnFault,
): Promise<OpenQueue> {
  const { queue, folder } = options;
  const served = typeof queue === 'string';
  const connection = served
    ? await connect(parseServerAddress(queue, '--queue'), onFault)
    : connectEmbedded(queue, onFault);
  const store = await openStore(options.store ?? (served ? queue : join(folder, 'store')));
  return { connection, store, mark: await markStore(store), close: () => store.close() };
}

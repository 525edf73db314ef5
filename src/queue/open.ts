/** A queue with its store: of this process, or on a server. */

import { resolve } from 'node:path';
import { parseServerAddress } from './address.js';
import { type Connection, connect, connectEmbedded, type OnFault } from './connection.js';
import type { Embedded } from './embedded.js';
import { markStore } from './handOut.js';
import { checkStoreAddress, openStore, type Store } from './store.js';

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
  // the path of a folder that nobody has given as a store is not taken for an address
  const place = options.store ?? (served ? queue : resolve(folder, 'store'));
  checkStoreAddress(place);
  const connection = served
    ? await connect(parseServerAddress(queue, '--queue'), onFault)
    : connectEmbedded(queue, onFault);
  const store = await openStore(place);
  return { connection, store, mark: await markStore(store), close: () => store.close() };
}

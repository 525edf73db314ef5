/** The packages of queues and databases: loaded when they are needed, for whoever trains alone needs none of them. */
import { BackendError } from '../core/errors.js';

type Named = 'bullmq' | 'pg' | 'ioredis' | '@electric-sql/pglite' | '@electric-sql/pglite-socket';

/** The failure of a package that was left out of the installation (`npm install --omit=optional`). */
function missing(name: Named, cause: unknown): BackendError {
  return new BackendError(`queue: the package ${name} is not installed`, {
    cause,
    hint: 'npm install --include=optional, or: npm install bullmq@6.7.0 pg ioredis @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17',
  });
}

async function load<T>(name: Named, importPackage: () => Promise<T>): Promise<T> {
  try {
    return await importPackage();
  } catch (cause) {
    throw missing(name, cause);
  }
}

type Bullmq = Pick<
  typeof import('bullmq'),
  'Queue' | 'Worker' | 'UnrecoverableError' | 'createPostgresBackend'
>;

export const loadBullmq = (): Promise<Bullmq> => load('bullmq', () => import('bullmq'));
export const loadPg = () => load('pg', async () => (await import('pg')).default);
export const loadIoredis = () => load('ioredis', async () => (await import('ioredis')).Redis);
export const loadPglite = () =>
  load('@electric-sql/pglite', async () => (await import('@electric-sql/pglite')).PGlite);
export const loadPgliteSocket = () =>
  load(
    '@electric-sql/pglite-socket',
    async () => (await import('@electric-sql/pglite-socket')).PGLiteSocketServer,
  );

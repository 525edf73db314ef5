/** The packages of queues and databases: loaded when they are needed, for whoever trains alone needs none of them. */
import { BackendError } from '../core/errors.js';

type Named = 'bullmq' | 'pg' | 'ioredis' | '@electric-sql/pglite' | '@electric-sql/pglite-socket';

/** Quern does not bring them: most of its users have one machine. */
function missing(name: Named, cause: unknown): BackendError {
  return new BackendError(`queue: the package ${name} is not installed`, {
    cause,
    hint: name.startsWith('@')
      ? 'npm install bullmq@6.7.0 pg @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17'
      : 'npm install bullmq@6.7.0 pg ioredis: beside Quern, 17 MB. A machine that works alone needs none of them.',
  });
}

async function load<T>(name: Named, importPackage: () => Promise<T>): Promise<T> {
  try {
    return await importPackage();
  } catch (cause) {
    throw missing(name, cause);
  }
}

type Bullmq = Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'createPostgresBackend'>;

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

/** The packages of queues and databases: loaded when they are needed, for whoever trains alone needs none of them. */
import { BackendError, sentenceOf } from '../core/errors.js';

/** Quern brings them; some are left out of installations by hand. */
async function load<T>(name: string, importPackage: () => Promise<T>): Promise<T> {
  try {
    return await importPackage();
  } catch (cause) {
    throw new BackendError(`queue: the package ${name} cannot be loaded: ${sentenceOf(cause)}`, {
      cause,
      hint: 'It comes with Quern: npm install puts back what is missing.',
    });
  }
}

type Bullmq = Pick<typeof import('bullmq'), 'Queue' | 'Worker' | 'createPostgresBackend' | 'runMigrations'>;

export const loadBullmq = (): Promise<Bullmq> => load('bullmq', () => import('bullmq'));
export const loadPg = () => load('pg', async () => (await import('pg')).default);
export const loadIoredis = () => load('ioredis', async () => (await import('ioredis')).Redis);
export const loadPglite = () => load('@electric-sql/pglite', () => import('@electric-sql/pglite'));
export const loadPgliteSocket = () =>
  load('@electric-sql/pglite-socket', () => import('@electric-sql/pglite-socket'));

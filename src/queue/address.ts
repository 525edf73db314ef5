/** Where a queue or a store is. */
import { UsageError } from '../core/errors.js';

export interface ServerAddress {
  readonly kind: 'redis' | 'postgres';
  /** With its password: for the driver alone. */
  readonly url: string;
  /** Without it: for people, errors and files. */
  readonly shown: string;
}

const kinds: Readonly<Record<string, ServerAddress['kind']>> = {
  'redis:': 'redis',
  'rediss:': 'redis',
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
};

/** An address without what must not be seen: user and password, and options, which may hold a password too. */
export function withoutSecrets(url: string): string {
  return url.replace(/^(\w+:\/\/)[^@/]*@/, '$1').replace(/\?.*$/s, '');
}

/** Tells whether a text is the address of a server that can hold a queue. */
export const isServerAddress = (text: string): boolean => /^(rediss?|postgres(ql)?):\/\//.test(text);

/**
 * The address of a Redis or PostgreSQL server.
 *
 * @param option that it was given with, for errors
 * @throws UsageError, never with the password, for what is none
 */
export function parseServerAddress(text: string, option: string): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = url && kinds[url.protocol];
  if (kind === undefined) {
    throw new UsageError(`${option}: not the address of a server: ${withoutSecrets(text).slice(0, 80)}`, {
      hint: 'It begins with redis://, rediss://, postgres:// or postgresql://, such as redis://10.0.0.5:6379.',
    });
  }
  return { kind, url: text, shown: withoutSecrets(text) };
}

/** A text of a driver without the secrets of an address. */
export function hideSecrets(text: string, { url }: Pick<ServerAddress, 'url'>): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const secrets = [
    url,
    parsed?.password,
    parsed && decode(parsed.password),
    ...(parsed?.searchParams.getAll('password') ?? []),
  ];
  return secrets.reduce<string>(
    (shown, secret) => (secret === undefined || secret === '' ? shown : shown.replaceAll(secret, '***')),
    text,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where a queue or a store is. */
import { properAddress, UsageError, withoutSecrets } from '../core/errors.js';

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

/** For hints: what most addresses are refused for. */
export const encodingRule = 'special characters of a password are percent-encoded: / is %2F, @ is %40';

/** Tells whether a text is the address of a server that can hold a queue. */
export const isServerAddress = (text: string): boolean => /^(rediss?|postgres(ql)?):\/\//i.test(text);

/**
 * The address of a Redis or PostgreSQL server.
 *
 * @param option that it was given with, for errors
 * @throws UsageError, never with the password, for what is none
 */
export function parseServerAddress(text: string, option: string): ServerAddress {
  const { protocol = '', username = '', password = '', pathname = '' } = properAddress(text) ?? {};
  const kind = kinds[protocol];
  const shown = withoutSecrets(text);
  // the driver of PostgreSQL takes a bare % as it is
  if (kind === undefined || (kind === 'redis' && !isEncoded(username + password))) {
    throw new UsageError(`${option}: not the address of a server: ${shown.slice(0, 80)}`, {
      hint: `It begins with redis://, rediss://, postgres:// or postgresql://, such as redis://10.0.0.5:6379; ${encodingRule}.`,
    });
  }
  if (kind === 'redis' && !/^\/?\d*$/.test(pathname)) {
    throw new UsageError(`${option}: the database of Redis is no whole number: ${shown.slice(0, 80)}`, {
      hint: 'It stands behind the server, such as redis://10.0.0.5:6379/2; where it is left out it is 0.',
    });
  }
  return { kind, url: text, shown };
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
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

const decode = (text: string) => (isEncoded(text) ? decodeURIComponent(text) : text);

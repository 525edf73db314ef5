/** Common schemas of the files of a run. Members that a later version adds are kept. */
import { integer, number, text } from '../core/schema.js';

/** Shown in a table or a sentence. */
export const line = text(/^.{1,4096}$/s, 'a text of 1 to 4096 characters');

export const share = number(0, 1);

export const sha256Text = text(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');

export const reportMembers = { backend: line, threads: integer(1), numerics: line } as const;

export const reportOptions = {
  mode: line,
  adapter: line,
  experimental: line,
  tuning: line,
  native: line,
  notNative: line,
  fallback: line,
} as const;

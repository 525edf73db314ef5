import * as assert from 'uvu/assert';

type ErrorClass = abstract new (...args: never[]) => Error;

/** Fails unless `work` throws an error of this class with exactly this message. */
export function throws(work: () => unknown, type: ErrorClass, message: string): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  check(thrown, type, message);
}

/** Fails unless `work` rejects with an error of this class with exactly this message. */
export async function rejects(
  work: () => Promise<unknown>,
  type: ErrorClass,
  message: string,
): Promise<void> {
  const nothing = Symbol();
  const thrown = await work().then(
    () => nothing,
    (error: unknown) => error,
  );
  check(thrown === nothing ? undefined : thrown, type, message);
}

function check(thrown: unknown, type: ErrorClass, message: string): void {
  if (thrown === undefined) throw new Error(`nothing was thrown instead of: ${message}`);
  if (!(thrown instanceof type)) throw thrown;
  assert.is(thrown.message, message);
}

/** How a test hands work to a page or a worker in a browser. Runs there. */
import type * as Quern from '../../../src/browser.js';

export interface Task {
  /** Address of the library. */
  readonly library: string;
  /** Address of a module, and the name of a function that it exports. */
  readonly module: string;
  readonly export: string;
  readonly argument: unknown;
}

/** What such a function is called with. The argument and the result are plain data. */
export type BrowserFunction<Argument, Result> = (
  quern: typeof Quern,
  argument: Argument,
) => Result | Promise<Result>;

export type Answer = { readonly result: unknown } | { readonly error: string };

/** Does a task. Errors are answers, so that they cross from a worker to its page. */
export async function perform(task: Task): Promise<Answer> {
  try {
    const [quern, module] = await Promise.all([import(task.library), import(task.module)]);
    const run = module[task.export] as BrowserFunction<unknown, unknown>;
    return { result: await run(quern, task.argument) };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

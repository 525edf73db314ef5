/** Calls between the page and its worker. */
import type { RequestName, Requests, Told } from './messages.js';

type Call = { readonly id: number; readonly name: RequestName; readonly argument: unknown };
type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly hint?: string };

type Handlers = {
  readonly [N in RequestName]: (
    argument: Requests[N]['ask'],
  ) => Promise<Requests[N]['answer']> | Requests[N]['answer'];
};

/** Answers the calls of the page. */
export function answerCalls(handlers: Handlers): void {
  const answer = async ({ id, name, argument }: Call): Promise<Answer> => {
    try {
      const handle = handlers[name] as (argument: unknown) => unknown;
      return { id, result: await handle(argument) };
    } catch (error) {
      const { message, hint } = error as { message?: unknown; hint?: string };
      return { id, error: String(message ?? error), ...(hint !== undefined && { hint }) };
    }
  };
  globalThis.onmessage = async ({ data }: MessageEvent<Call>) => postMessage(await answer(data));
}

/** Tells the page something that it has not asked for. */
export const tell = (told: Told): void => postMessage({ told });

/** The worker as the page has it. */
export class Trainer {
  private readonly worker: Worker;
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private last = 0;

  /** @param listen is told what the worker tells, and of a worker that does not load */
  constructor(url: URL, listen: (told: Told) => void) {
    this.worker = new Worker(url, { type: 'module' });
    this.worker.onmessage = ({ data }: MessageEvent<Answer | { told: Told }>) => {
      if ('told' in data) {
        listen(data.told);
        return;
      }
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ('error' in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.result);
    };
    this.worker.onerror = ({ message }) => {
      const error = new Error(message ?? 'the worker of the page does not load');
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
      listen({ kind: 'note', text: error.message });
    };
  }

  call<N extends RequestName>(name: N, argument: Requests[N]['ask']): Promise<Requests[N]['answer']> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage({ id, name, argument });
    });
  }

  /** Ends the worker, whatever it does. */
  end(): void {
    this.worker.terminate();
  }
}

import { constants } from 'node:os';
import { complain } from './output.js';

/** The last says that the terminal is gone, or the connection to it. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first Ctrl-C asks the work to end well, the second ends the process. */
export class Interrupt {
  private readonly controller = new AbortController();
  private received: (typeof signals)[number] | undefined;

  /** @param announce is called at the first signal */
  constructor(private readonly announce: () => void) {
    for (const signal of signals) process.on(signal, this.handle);
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The exit code that shells expect after a signal: 130 after Ctrl-C. */
  get exitCode(): number {
    return 128 + constants.signals[this.received ?? 'SIGINT'];
  }

  /** Tells whether the error is the abort itself and nothing else. */
  caused(error: unknown): boolean {
    return this.signal.aborted && error === this.signal.reason;
  }

  /** Gives the signals back to the system. */
  end(): void {
    for (const signal of signals) process.off(signal, this.handle);
  }

  private readonly handle = (signal: (typeof signals)[number]): void => {
    if (this.received !== undefined) process.exit(this.exitCode);
    this.received = signal;
    this.announce();
    this.controller.abort();
  };
}

/** Does work that has nothing to save: the first Ctrl-C aborts it, and what it was making is removed. */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupt = new Interrupt(() => {});
  try {
    await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.caused(error)) throw error;
    complain('quern: interrupted');
    process.exitCode = interrupt.exitCode;
  } finally {
    interrupt.end();
  }
}

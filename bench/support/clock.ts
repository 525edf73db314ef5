/** Tells seconds, from any beginning. */
export type Clock = () => number;

export const wallClock: Clock = () => performance.now() / 1000;

/**
 * The processor time of this process. What other processes take is not in it, so that it compares the work of a single
 * thread fairly on the busiest machine; of several threads it is the sum.
 */
export const processorClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The clock that says most about work on that many threads. */
export const clockFor = (threads: number): Clock => (threads === 1 ? processorClock : wallClock);

/**
 * The limits of this machine for code of some width on some number of threads, all of them busy at once: what its processors
 * share (memory, power, each other) counts.
 */
import { Worker } from 'node:worker_threads';
import { multiplyAddPeak } from '../../src/backends/wasm/multiplyAddPeak.js';
import type { BackendReport } from '../../src/engine/backend.js';
import { detectSimdLevel, type SimdLevel } from '../../src/writers/wasm/simdLevel.js';
import type { X64Level } from '../../src/writers/x64/frame.js';
import { type Clock, clockFor } from './clock.js';
import { copyBandwidth } from './copyBandwidth.js';
import type { Yardstick } from './measure.js';

/** What a thread measures: of its own share of the work. */
export class ThreadYardsticks {
  private readonly peak: (milliseconds: number) => number;
  private readonly copies = new Map<number, (milliseconds: number) => number>();
  private readonly copyOf: (bytes: number) => (milliseconds: number) => number;

  constructor(simd: SimdLevel, clock: Clock, native?: X64Level) {
    this.peak = multiplyAddPeak(simd, clock, native);
    this.copyOf = copyBandwidth(simd, clock);
  }

  /** Operations per second. */
  multiplyAdd(milliseconds: number): number {
    return this.peak(milliseconds) * 1e9;
  }

  /** Bytes per second, read and written, in a working set of `bytes`. */
  copy(bytes: number, milliseconds: number): number {
    let rate = this.copies.get(bytes);
    if (rate === undefined) {
      rate = this.copyOf(bytes);
      this.copies.set(bytes, rate);
    }
    return rate(milliseconds);
  }
}

/** Int32 words that all threads see: which request is the last, how many threads are still at it. */
export const words = { request: 0, pending: 1 } as const;
/** Float64 numbers: bytes of the working set (0 for multiply-adds), milliseconds, then a result for each worker. */
export const numbers = { bytes: 0, milliseconds: 1, results: 2 } as const;
export const wordBytes = 64;

export interface YardstickWorkerData {
  readonly shared: SharedArrayBuffer;
  readonly worker: number;
  readonly simd: SimdLevel;
  readonly native: X64Level | undefined;
}

export class Yardsticks {
  /** Floating-point operations per second; a multiply-add counts 2. */
  readonly multiplyAdd: Yardstick = { rate: (milliseconds) => this.measure(0, milliseconds) };
  private readonly own: ThreadYardsticks;
  private readonly workers: Worker[];
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;

  /** By this clock the rates are told. */
  readonly clock: Clock;

  /**
   * @param simd of multiply-adds; default: the best of this JavaScript engine
   * @param report of the engine that is measured: where that runs machine code, multiply-adds are as wide
   */
  constructor(
    readonly threads = 1,
    simd: SimdLevel = detectSimdLevel(),
    report: Pick<BackendReport, 'native'> = {},
  ) {
    const native = report.native === 'avx2' || report.native === 'avx512' ? report.native : undefined;
    this.clock = clockFor(threads);
    const shared = new SharedArrayBuffer(wordBytes + 8 * (numbers.results + threads - 1));
    this.words = new Int32Array(shared, 0, wordBytes / 4);
    this.numbers = new Float64Array(shared, wordBytes);
    this.own = new ThreadYardsticks(simd, this.clock, native);
    this.workers = Array.from({ length: threads - 1 }, (_, worker) => {
      const workerData: YardstickWorkerData = { shared, worker, simd, native };
      const thread = new Worker(new URL('./yardstickWorker.js', import.meta.url), { workerData });
      thread.unref();
      return thread;
    });
  }

  /** Bytes per second, read plus written, in a working set of `bytes` that the threads divide. */
  copy(bytes: number): Yardstick {
    const share = Math.max(1, Math.ceil(bytes / this.threads));
    return { rate: (milliseconds) => this.measure(share, milliseconds) };
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  /** The sum of the rates of all threads. */
  private measure(bytes: number, milliseconds: number): number {
    this.numbers[numbers.bytes] = bytes;
    this.numbers[numbers.milliseconds] = milliseconds;
    Atomics.store(this.words, words.pending, this.workers.length);
    Atomics.add(this.words, words.request, 1);
    Atomics.notify(this.words, words.request);
    let sum = rateOfThread(this.own, bytes, milliseconds);
    for (let left = this.pending(); left > 0; left = this.pending()) {
      Atomics.wait(this.words, words.pending, left, 10);
    }
    for (let i = 0; i < this.workers.length; i++) sum += this.numbers[numbers.results + i]!;
    return sum;
  }

  private pending(): number {
    return Atomics.load(this.words, words.pending);
  }
}

export function rateOfThread(own: ThreadYardsticks, bytes: number, milliseconds: number): number {
  return bytes === 0 ? own.multiplyAdd(milliseconds) : own.copy(bytes, milliseconds);
}

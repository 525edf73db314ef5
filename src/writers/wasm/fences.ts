/** From V8 13 on, that of Node 24, sums stay in registers without fences, and code is faster without. */
const firstWithout = 13;

/** The parts of Node's and Chromium's names that tell the engine. */
interface EngineNames {
  /** V8's version, where the process tells it. */
  readonly v8?: string | undefined;
  /** Of a browser. */
  readonly userAgent?: string | undefined;
}

function namesHere(): EngineNames {
  return {
    v8: typeof process === 'undefined' ? undefined : process.versions?.v8,
    userAgent: typeof navigator === 'undefined' ? undefined : navigator.userAgent,
  };
}

/** V8's major version; of a browser built on Chromium a tenth of Chromium's. NaN: another engine. */
export function majorV8({ v8, userAgent = '' }: EngineNames = namesHere()): number {
  if (v8 !== undefined) return Number.parseInt(v8, 10);
  return Math.floor(Number(/Chrome\/(\d+)/.exec(userAgent)?.[1] ?? Number.NaN) / 10);
}

/** Tells if code is faster with fences (`FunctionBuilder.fence`). An engine that is no V8 keeps them: it was not measured. */
export function fencesHelp(v8 = majorV8()): boolean {
  return !(v8 >= firstWithout);
}

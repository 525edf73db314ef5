/** headless-gl (the npm package `gl`), with which gpu.js's mode headlessgl computes in Node. */
import { BackendError, sentenceOf } from '../../core/errors.js';

interface Builtins {
  createRequire(from: string): NodeJS.Require;
}

interface Host {
  process?: { versions?: { node?: string }; getBuiltinModule?(name: 'node:module'): Builtins };
}

const hint = 'docs/gpu.md says what headless-gl needs.';

/**
 * Why gpu.js refuses the mode, which it does not say itself: it loads the package where it can and keeps silent where it
 * cannot. Looks for the package where gpu.js, which is part of Quern, does.
 */
export function whyNoHeadlessGl(): BackendError {
  const { process } = globalThis as Host;
  const modules =
    process?.versions?.node === undefined ? undefined : process.getBuiltinModule?.('node:module');
  if (modules === undefined) return new BackendError('gpu: headless-gl runs in Node alone');
  try {
    modules.createRequire(import.meta.url)('gl');
  } catch (thrown) {
    return new BackendError(`gpu: the package gl does not load: ${reasonOf(thrown)}`, { hint });
  }
  // it loads, so what gpu.js lacked was a context
  const what = 'the package gl makes no context: it needs an X server (on Linux the one that DISPLAY names)';
  return new BackendError(`gpu: ${what}`, { hint });
}

/** Meanings of a failed load, where its message says it in many lines or not at all. */
const meanings: readonly (readonly [start: string, meaning: string])[] = [
  ["Cannot find module 'gl'", 'it is not installed'],
  ['Could not locate the bindings file', 'it is installed and not compiled'],
  // what Node says when it is asked again for what it could not load
  ['Module did not self-register', 'it is compiled for another version of Node'],
];

function reasonOf(thrown: unknown): string {
  const sentence = sentenceOf(thrown);
  const known = meanings.find(([start]) => sentence.startsWith(start));
  return known?.[1] ?? sentence;
}

/**
 * What the driver calls itself. headless-gl says no more than 'ANGLE' and has no extension that does; the context that
 * is compiled, of which its own is a subclass, has the name, and tells a GPU from a CPU that imitates one.
 */
export function headlessAdapterOf(context: WebGLRenderingContext): string {
  let parameterOf = context.getParameter;
  let prototype = Object.getPrototypeOf(context);
  for (; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    if (Object.hasOwn(prototype, 'getParameter')) parameterOf = prototype.getParameter;
  }
  return String(parameterOf.call(context, context.RENDERER));
}

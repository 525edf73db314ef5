import Module from 'node:module';
import * as assert from 'uvu/assert';
import { headlessAdapterOf, whyNoHeadlessGl } from '../../../src/backends/gpu/headlessGl.js';
import { BackendError } from '../../../src/core/errors.js';
import { suite } from '../../support/suite.js';

type Load = (request: string, ...rest: unknown[]) => unknown;

/** The reason where the package `gl` is what `load` gives or throws. */
function reasonWhere(load: () => unknown): BackendError {
  const modules = Module as unknown as { _load: Load };
  const { _load: honest } = modules;
  modules._load = (request, ...rest) => (request === 'gl' ? load() : honest.call(Module, request, ...rest));
  try {
    return whyNoHeadlessGl();
  } finally {
    modules._load = honest;
  }
}

suite('backends/gpu/headlessGl: why it is not there', (test) => {
  const hint = '\n  docs/gpu.md says what headless-gl needs.';

  for (const [name, thrown, reason] of [
    ['not installed', "Cannot find module 'gl'\nRequire stack:\n- a.js", 'it is not installed'],
    [
      'not compiled',
      'Could not locate the bindings file. Tried:\n → a.node\n → b.node',
      'it is installed and not compiled',
    ],
    [
      'compiled for another Node',
      "Module did not self-register: '/a/webgl.node'.",
      'it is compiled for another version of Node',
    ],
    [
      'a library that is missing',
      'libX11.so.6: cannot open shared object file: No such file or directory\nmore',
      'libX11.so.6: cannot open shared object file: No such file or directory',
    ],
  ] as const) {
    test(name, () => {
      const error = reasonWhere(() => {
        throw new Error(thrown);
      });
      assert.instance(error, BackendError);
      assert.is(error.message, `gpu: the package gl does not load: ${reason}${hint}`);
    });
  }

  test('no display', () => {
    const error = reasonWhere(() => () => null);
    const what =
      'the package gl makes no context: it needs an X server (on Linux the one that DISPLAY names)';
    assert.is(error.message, `gpu: ${what}${hint}`);
  });

  test('not in Node', () => {
    const { getBuiltinModule } = process;
    Object.assign(process, { getBuiltinModule: undefined });
    try {
      assert.is(whyNoHeadlessGl().message, 'gpu: headless-gl runs in Node alone');
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
  });
});

suite('backends/gpu/headlessGl: the adapter', (test) => {
  test('is what the compiled context says, not the one in JavaScript', () => {
    class Compiled {
      readonly RENDERER = 7937;
      getParameter(name: number): string {
        return name === this.RENDERER ? 'ANGLE (a card)' : '';
      }
    }
    class Context extends Compiled {
      override getParameter(): string {
        return 'ANGLE';
      }
    }
    assert.is(headlessAdapterOf(new Context() as unknown as WebGLRenderingContext), 'ANGLE (a card)');
  });
});

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { type RowSumsSpecification, rowSums } from '../../examples/rowSums/contract.js';
import { type Contract, isPlain } from '../../kernels/contract.js';
import { contracts } from '../../kernels/kinds.js';
import { node } from '../../src/tensor/build.js';
import { input } from '../../src/tensor/leaves.js';
import type { Op } from '../../src/tensor/op.js';
import { gather } from '../../src/tensor/ops/gather.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { kindsOf, planOf } from '../support/plans.js';
import { suite } from '../support/suite.js';

// from dist/test/plan to the root
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(root, folder, file));
}

/** The table of contracts as a new row finds it. */
const table = contracts as unknown as Record<string, Contract<RowSumsSpecification> | undefined>;

const rowSumsOp = {
  name: 'rowSums',
  lower: () => ({ type: 'kernel', kind: 'rowSums', specification: {} }),
} as unknown as Op<null>;

function sumsOf(x: Tensor): Tensor {
  return node(rowSumsOp, [x], null, { shape: x.shape.slice(0, 2), dtype: 'float32' });
}

suite('plans: the kernel of docs/adding-an-op.md', (test) => {
  test.before(() => {
    table.rowSums = rowSums;
  });
  test.after(() => {
    delete table.rowSums;
  });

  const rows = input('rows', [9, 5]);
  const indices = input('indices', [4], 'int32');
  const gathered = gather(rows, indices).reshape([1, 4, 5]);

  test('fuses as its contract says, with a planner that has never heard of it', () => {
    const a = sumsOf(gathered)
      .add(input('bias', [4]))
      .relu();
    const plan = planOf({ outputs: { a } });
    assert.is(kindsOf(plan), 'rowSums');
    assert.match(plan.toString(), '| of gathered rows | then relu(add(x0, x1)) |');
    assert.ok(isPlain(plan.steps[0]!.specification));
  });

  test('and not where its rule does not match', () => {
    assert.is(kindsOf(planOf({ outputs: { a: sumsOf(input('x', [1, 4, 5])) } })), 'rowSums');
    assert.is(kindsOf(planOf({ outputs: { a: sumsOf(gathered.exp()) } })), 'gather rowSums');
    const bytes = gather(input('bytes', [9, 5], 'uint8'), indices)
      .cast('float32')
      .reshape([1, 4, 5]);
    assert.is(kindsOf(planOf({ outputs: { a: sumsOf(bytes) } })), 'gather rowSums');
    const halves = gather(rows, indices).reshape([2, 2, 5]);
    assert.is(kindsOf(planOf({ outputs: { a: sumsOf(halves) } })), 'gather rowSums');
  });

  test('the compiler asks for its rows in the tables of kernels, and for nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quern-kernel-'));
    const added = [
      `import type { RowSumsSpecification } from '${root}/examples/rowSums/contract.js';`,
      `declare module '${root}/kernels/kinds.js' {`,
      '  interface Specifications { rowSums: RowSumsSpecification }',
      '}',
    ];
    await writeFile(join(folder, 'added.ts'), added.join('\n'));
    const config = {
      extends: `${root}/tsconfig.json`,
      compilerOptions: {
        ...{ noEmit: true, incremental: false, rootDir: parse(root).root },
        ...{ tsBuildInfoFile: null, typeRoots: [`${root}/node_modules/@types`] },
      },
      include: [],
      files: ['added.ts', ...filesOf('src/plan'), ...filesOf('src/backends'), ...filesOf('src/tensor')],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [compiler, '-p', folder, '--pretty', 'false'],
      { cwd: root },
    ).catch((failed: { stdout: string }) => failed);
    await rm(folder, { recursive: true });
    const errors = stdout.split('\n').filter((line) => /error TS/.test(line));
    const places = errors.map(
      (line) => /kernels\/\w+\.ts.*'rowSums' is missing/.exec(line)?.[0].split('(')[0],
    );
    assert.equal(
      places.sort(),
      ['gpu', 'kinds', 'reference', 'wasm'].map((table) => `kernels/${table}.ts`),
      stdout,
    );
  });
});

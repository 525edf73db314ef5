import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { contracts } from '../kernels/kinds.js';
import { suite } from './support/suite.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Rule {
  /** Folders of src (and kernels/) that its files may import from. */
  readonly from: readonly string[];
  /** Folders of which it may import types alone. */
  readonly types?: readonly string[];
  /** Folders that it may only load when they are needed. */
  readonly dynamic?: readonly string[];
  /** Packages and modules of Node.js; default none. */
  readonly packages?: readonly (string | RegExp)[];
  /** Where not the whole of a folder is meant: the files of it, without the folder's name. */
  readonly only?: Readonly<Record<string, RegExp>>;
}

/** The arrows of the architecture: what each part may know of the others. */
const rules: Readonly<Record<string, Rule>> = {
  core: { from: [], packages: ['ndarray'] },
  writers: { from: ['core'] },
  kernels: { from: ['core', 'writers'], packages: ['ndarray', 'ndarray-ops'] },
  tensor: { from: ['core'], types: ['kernels'], only: { kernels: /^kinds|contract/ } },
  plan: { from: ['core', 'kernels', 'tensor'], only: { kernels: /^(kinds|contract|fusion)\.ts$/ } },
  engine: { from: ['core', 'plan', 'tensor'], dynamic: ['backends'], packages: ['ndarray'] },
  backends: {
    from: ['core', 'engine', 'kernels', 'plan', 'writers'],
    types: ['tensor'],
    packages: ['#gpu.js', 'ndarray', 'ndarray-ops', /^node:/],
    // the contract, and what every backend does alike
    only: { engine: /^(backend|feeds|options|runSteps)\.ts$/ },
  },
  nn: { from: ['core', 'tensor'] },
  optimizers: { from: ['core', 'tensor'] },
  data: {
    from: ['core'],
    packages: ['@cwasm/jpeg-turbo', '@cwasm/webp', 'bmp-ts', 'fflate', 'yauzl', /^node:/],
  },
  training: {
    from: ['core', 'data', 'engine', 'nn', 'optimizers', 'tensor'],
    packages: ['ndarray', /^node:/],
  },
  runs: { from: ['core', 'data', 'engine', 'training'], packages: [/^node:/] },
  report: {
    from: ['core', 'data', 'engine', 'nn', 'runs', 'sweep', 'tensor', 'training'],
    types: ['vendor'],
    dynamic: ['vendor'],
    packages: ['fast-png', /^node:/],
  },
  doctor: {
    from: ['core', 'engine', 'nn', 'optimizers', 'plan', 'tensor', 'training'],
    dynamic: ['backends'],
    // the names of modes and of software adapters, the limit of products; the graph of a step
    only: { backends: /^(gpu\/modes|wasm\/multiplyAddPeak)\.ts$/, training: /^trainingStep\.ts$/ },
  },
  queue: {
    from: ['core', 'runs', 'training'],
    packages: [/^node:/, 'bullmq', 'ioredis', 'pg', /^@electric-sql\//],
  },
  sweep: { from: ['core', 'data', 'queue', 'recipes', 'runs', 'training'], packages: [/^node:/] },
  watch: { from: ['core', 'report', 'runs', 'sweep', 'training'], packages: [/^node:/] },
  logs: { from: ['core'], types: ['training'], packages: [/^node:/] },
  inside: {
    from: ['core', 'engine', 'nn', 'optimizers', 'plan', 'tensor', 'training', 'writers'],
    dynamic: ['kernels'],
    only: { training: /^trainingStep\.ts$/, writers: /^wasm\/disassemble\.ts$/, kernels: /^wasm\.ts$/ },
  },
  // its scripts run in browsers, so they see what browsers get
  studio: {
    from: ['', 'data'],
    packages: ['fflate', 'idb-keyval', 'uplot'],
    // data of one's own is read as everywhere, its files are those that were dropped, with the same bounds and checksums
    only: { '': /^browser\.ts$/, data: /^(user\/loadUserDataset|memory|images\/pngChunks)\.ts$/ },
  },
  vendor: {
    from: ['report', 'studio'],
    only: { report: /^charts\/theme\.ts$/, studio: /^(document|style|inside\/style)\.ts$/ },
    packages: ['gpu.js', 'esbuild', 'jsfive', 'onnx-buf', /^@bufbuild\/protobuf/, /^echarts\//, /^node:/],
  },
  formats: {
    from: ['core', 'nn', 'tensor', 'training', 'vendor'],
    packages: ['fflate', /^node:/],
    only: { training: /^(files|inference\/normalization)/, tensor: /^(leaves|ops\/geometry)/ },
  },
  recipes: { from: ['core', 'data', 'nn', 'optimizers', 'tensor', 'training'], packages: [/^node:/] },
  cli: {
    from: [
      'core',
      'data',
      'doctor',
      'engine',
      'formats',
      'inside',
      'logs',
      'nn',
      'optimizers',
      'recipes',
      'queue',
      'report',
      'runs',
      'sweep',
      'tensor',
      'training',
      'watch',
    ],
    // '': the library as a whole, where few files may be open
    dynamic: ['', 'bench', 'data', 'formats', 'nn', 'recipes', 'report'],
    packages: ['cli-progress', 'onnxruntime-web', 'yargs', /^node:|^yargs\//],
  },
};

function filesBelow(folder: string, end = '.ts'): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => join(folder, file));
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** `tensor` for src/tensor/ops/matmul.ts, `kernels` for kernels/matmul/wasm.ts, '' for the entries in src itself. */
function partOf(file: string): string {
  const [first, second, third] = file.split('/');
  if (first !== 'src') return first!;
  return third === undefined ? '' : second!;
}

interface Import {
  readonly file: string;
  readonly target: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

/** What a file imports, comments apart. */
function importsOf(file: string): Import[] {
  const text = textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, type, target] of text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm,
  )) {
    found.push({ file, target: target!, kind: type === undefined ? 'value' : 'type' });
  }
  for (const [, target] of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ file, target: target!, kind: 'dynamic' });
  }
  return found;
}

/** Why an import is against the rules, or undefined. */
function objection({ file, target, kind }: Import): string | undefined {
  const part = partOf(file);
  const rule = rules[part];
  const told = `${file} imports ${target}`;
  if (rule === undefined) return `${told}: ${part} has no rule`;
  if (!target.startsWith('.')) {
    const taken = rule.packages?.some((name) =>
      typeof name === 'string' ? name === target : name.test(target),
    );
    return taken ? undefined : `${told}: not a package that ${part} uses`;
  }
  const path = join(dirname(file), target).replace(/\.js$/, '.ts');
  const other = partOf(path);
  if (other === part) return undefined;
  const rest = path.slice(path.indexOf(`${other}/`) + other.length + 1);
  const parts =
    kind === 'dynamic'
      ? (rule.dynamic ?? [])
      : [...rule.from, ...(kind === 'type' ? (rule.types ?? []) : [])];
  if (!parts.includes(other)) return `${told} (${kind}): ${part} knows nothing of ${other}`;
  const only = rule.only?.[other];
  return only === undefined || only.test(rest)
    ? undefined
    : `${told}: more than ${part} may know of ${other}`;
}

interface SourceFunction {
  readonly file: string;
  readonly name: string;
  readonly lines: number;
  readonly parameters: number;
}

/** How a function begins on a line of formatted text, up to its parameters. */
const heads = [
  /^( *)(?:export )?(?:async )?function\*? (\w+)(?:<.*?>)?\(/,
  /^( +)(?:(?:private|static|override|async|get|set) )*(?!if|for|while|switch|catch|return|super)(\w+)(?:<.*?>)?\(/,
  /^( *)(?:export )?const (\w+)(?:: [^=]*)? = (?:async )?(?:<.*?>)?\(/,
];

/** Where the bracket at `open` is closed, and the commas between the two that are in no other bracket. */
function closingOf(text: string, open: number): { end: number; commas: number } {
  let [depth, commas] = [0, 0];
  for (let i = open; i < text.length; i++) {
    const character = text[i]!;
    const arrow = character === '>' && text[i - 1] === '=';
    if ('([{<'.includes(character)) depth++;
    else if (')]}>'.includes(character) && !arrow) depth--;
    else if (character === ',' && depth === 1 && !/^\s*\)/.test(text.slice(i + 1))) commas++;
    if (depth === 0) return { end: i, commas };
  }
  return { end: text.length, commas };
}

/** The functions of a formatted text that have a body: it ends at the first brace that is as far in as their head. */
function functionsIn(file: string, text: string): SourceFunction[] {
  const found: SourceFunction[] = [];
  const lines = text.split('\n');
  let start = 0;
  for (const [i, line] of lines.entries()) {
    const head = heads.map((form) => form.exec(line)).find((match) => match !== null);
    if (head) {
      const [whole, indentation, name] = head;
      const open = start + whole.length - 1;
      const { end, commas } = closingOf(text, open);
      const empty = text.slice(open + 1, end).trim() === '';
      const body = /^(?:: [^;]*?)?(?: =>)? \{\n/.test(text.slice(end + 1));
      const last = lines.findIndex(
        (each, at) =>
          at > i && /^\};?$/.test(each.slice(indentation!.length)) && each.startsWith(indentation!),
      );
      if (body) found.push({ file, name: name!, lines: last - i + 1, parameters: empty ? 0 : commas + 1 });
    }
    start += line.length + 1;
  }
  return found;
}

/** What comments say becomes spaces. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
}

const functionsOf = (file: string) => functionsIn(file, withoutComments(textOf(file)));

const sources = [...filesBelow('src'), ...filesBelow('kernels')];

suite('architecture', (test) => {
  test('imports follow the arrows', () => {
    const imports = sources.filter((file) => partOf(file) !== '').flatMap(importsOf);
    assert.ok(imports.length > 200, `${imports.length} imports`);
    assert.equal(
      imports.flatMap((each) => objection(each) ?? []),
      [],
    );
  });

  test('a wrong import is found', () => {
    const wrong = (file: string, target: string, kind: Import['kind'] = 'value') =>
      objection({ file, target, kind });
    assert.is(
      wrong('src/core/shape.ts', '../tensor/tensor.js'),
      'src/core/shape.ts imports ../tensor/tensor.js (value): core knows nothing of tensor',
    );
    assert.ok(wrong('src/tensor/op.ts', '../../kernels/kinds.js'));
    assert.not(wrong('src/tensor/op.ts', '../../kernels/kinds.js', 'type'));
    assert.ok(wrong('src/plan/build.ts', '../../kernels/matmul/reference.js'));
    assert.ok(wrong('src/engine/choose.ts', '../backends/wasm/wasm.js'));
    assert.not(wrong('src/engine/choose.ts', '../backends/wasm/wasm.js', 'dynamic'));
    assert.ok(wrong('src/backends/gpu/index.ts', '../../engine/engine.js', 'type'));
    assert.ok(wrong('src/nn/layers/dense.ts', 'node:fs'));
  });

  test('the planner knows one kind of kernel by name, map', () => {
    const others = Object.keys(contracts).filter((kind) => kind !== 'map');
    // an array's own reduce is none
    const named = new RegExp(`(?<!\\.)\\b(${others.join('|')})\\b`);
    for (const text of ["step.kind === 'reduce'", '/** A matmul, say. */', 'import { conv2d }']) {
      assert.match(text, named);
    }
    assert.not.match('steps.reduce((sum, step) => sum + step.flops, 0)', named);
    const lines = filesBelow('src/plan').flatMap((file) =>
      textOf(file)
        .split('\n')
        .flatMap((line, i) => (named.test(line) ? [`${file}:${i + 1} ${line.trim()}`] : [])),
    );
    assert.equal(lines, []);
  });

  test('a backend knows no other', () => {
    const crossing = filesBelow('src/backends')
      .flatMap(importsOf)
      .filter(({ file, target }) => {
        const path = join(dirname(file), target);
        return path.startsWith('src/backends/') && dirname(file).split('/')[2] !== path.split('/')[2];
      });
    assert.equal(crossing, []);
  });

  const all = [...sources, ...['test', 'bench', 'examples'].flatMap((folder) => filesBelow(folder))];

  test('no file is longer than 400 lines', () => {
    const long = all.filter((file) => textOf(file).trimEnd().split('\n').length > 400);
    assert.equal(long, []);
  });

  test('no folder has more than 20 files', () => {
    const folders = all.map((file) => dirname(file));
    const full = [...new Set(folders)].filter((one) => folders.filter((each) => each === one).length > 20);
    assert.equal(full, []);
  });

  test('no function is longer than 80 lines, nor takes more than four arguments one by one', () => {
    const functions = [...sources, ...filesBelow('bench')].flatMap(functionsOf);
    assert.ok(functions.length > 1500, `${functions.length} functions`);
    const told = ({ file, name }: SourceFunction) => `${file}: ${name}`;
    assert.equal(functions.filter(({ lines }) => lines > 80).map(told), []);
    const many = functions.filter(({ parameters }) => parameters > 4);
    assert.equal(many.map(told), []);
  });

  test('what is too long, or takes too much, is found', () => {
    const found = functionsIn(
      'a.ts',
      [
        'export async function first<T>(a: Map<string, T>, { b, c }: B, d = f(1, 2)): Promise<void> {',
        '  for (;;) {',
        '  }',
        '}',
        'class C {',
        '  constructor(',
        '    readonly a: number,',
        '    b: (x: number, y: number) => void,',
        '  ) {',
        '    super(a, b);',
        '  }',
        '}',
        'const third = (a: [number, number], b?: string) => {',
        '  return a;',
        '};',
      ].join('\n'),
    );
    assert.equal(
      found.map(({ name, parameters, lines }) => [name, parameters, lines]),
      [
        ['first', 3, 4],
        ['constructor', 2, 6],
        ['third', 2, 3],
      ],
    );
  });

  test('every test file defines its suites with the helper, which runs them', () => {
    const tests = filesBelow('test', '.test.ts');
    assert.ok(tests.length > 20, `${tests.length} files`);
    for (const file of tests) {
      const imports = importsOf(file).map(({ target }) => target);
      const helper = relative(dirname(file), 'test/support/suite.js');
      const path = helper.startsWith('.') ? helper : `./${helper}`;
      assert.ok(imports.includes(path), `${file} does not import ${path}`);
      assert.not(imports.includes('uvu'), `${file} imports uvu itself`);
      assert.match(textOf(file), /^\s*suite\(/m);
    }
  });
});

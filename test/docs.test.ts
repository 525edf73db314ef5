import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.js';

// from dist/test to the root
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

suite('documentation', (test) => {
  test('the snippets of adding-an-op.md are what the compiler and the tests run', () => {
    const snippets = [...read('docs/adding-an-op.md').matchAll(/```ts\n([\s\S]*?)```/g)];
    assert.equal(
      snippets.map(([, snippet]) => snippet),
      [read('examples/softsign.ts'), read('examples/rowSums/contract.ts')],
    );
  });

  test('links between the pages lead to files', () => {
    const decisions = readdirSync(join(root, 'docs/decisions')).map((file) => `docs/decisions/${file}`);
    const docs = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      'bench/README.md',
      'bench/peers/README.md',
      ...docs.map((file) => `docs/${file}`),
    ];
    let links = 0;
    for (const page of [...pages, ...decisions]) {
      for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        links++;
        const path = join(root, dirname(page), target!);
        assert.not.throws(() => readdirSync(dirname(path)).length, `${page}: ${target}`);
        assert.ok(
          readdirSync(dirname(path)).some((name) => path.endsWith(name)),
          `${page} links to ${target}, which does not exist`,
        );
      }
    }
    assert.ok(links > 10);
  });

  test('decisions are numbered without gaps', () => {
    const numbers = readdirSync(join(root, 'docs/decisions')).map((file) => Number(file.slice(0, 4)));
    assert.equal(
      numbers.sort((a, b) => a - b),
      numbers.map((_, index) => index + 1),
    );
  });
});

import * as assert from 'uvu/assert';
import { textTable } from '../../../src/cli/terminal/table.js';
import { suite } from '../../support/suite.js';

const table = {
  header: ['run', 'state', 'test'],
  rows: [['runs/mnist-mlp-2026-01-31T12-00-00', 'finished', '97.91%']],
  alignments: ['left', 'left', 'right'] as const,
};

suite('tables fit the terminal', (test) => {
  test('with room, a line per row', () => {
    assert.is(
      textTable(table, 80),
      [
        'run                                 state       test',
        'runs/mnist-mlp-2026-01-31T12-00-00  finished  97.91%',
      ].join('\n'),
    );
  });

  test('without, the widest column goes on below', () => {
    assert.is(
      textTable(table, 34),
      [
        'run               state       test',
        'runs/mnist-mlp-   finished  97.91%',
        '2026-01-31T12-',
        '00-00',
      ].join('\n'),
    );
  });

  test('no line is longer than the terminal, and nothing is lost', () => {
    for (let width = 28; width < 100; width++) {
      const text = textTable(table, width);
      for (const line of text.split('\n')) assert.ok(line.length <= width, `${width}: ${line}`);
      assert.ok(text.includes('97.91%'));
    }
  });
});

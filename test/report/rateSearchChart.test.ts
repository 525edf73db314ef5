import * as assert from 'uvu/assert';
import { rateSearchChart } from '../../src/report/charts/rateSearchChart.js';
import { analyzeRates } from '../../src/training/rateFinder/analysis.js';
import { suite } from '../support/suite.js';

const search = (height: number) => ({
  ...analyzeRates(
    Array.from({ length: 101 }, (_, i) => ({
      learningRate: 10 ** (i / 20 - 5),
      loss: i > 90 ? 1e6 : 2 - height * Math.tanh((i - 50) / 10),
    })),
  ),
  diverged: true,
});

suite('rateSearchChart', (test) => {
  test('it draws the losses, what they are smoothed to, and the suggestion, by the logarithm of the rate', async () => {
    const svg = await rateSearchChart(search(1));
    assert.match(svg, /aria-label="Loss over learning rate: suggestion [23]\.\de-3"/);
    for (const text of ['learning rate', 'loss', 'smoothed', 'suggestion', '1e-5', '1e-3', '>1<']) {
      assert.ok(svg.includes(text), text);
    }
    // a loss that ran away does not press the rest flat
    assert.not(svg.includes('1,000,000'));
    assert.is(await rateSearchChart(search(1)), svg);
  });

  test('without a suggestion it says so', async () => {
    const svg = await rateSearchChart(search(0));
    assert.match(svg, /aria-label="Loss over learning rate: nothing to suggest"/);
    assert.not(svg.includes('>suggestion<'));
  });
});

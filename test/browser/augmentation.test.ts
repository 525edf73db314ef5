import * as assert from 'uvu/assert';
import * as quern from '../../src/browser.js';
import { Browser, findChromium, noChromium, type RunOptions } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';
import { type Augmented, type Augmenting, augment } from './augmenting.js';

const augmenting = import.meta.resolve('./augmenting.js');

suite('augmentation in Chromium', (test) => {
  const chromium = findChromium();
  if (chromium === undefined) {
    test.unavailable('everything', noChromium);
    return;
  }
  let browser: Browser;
  test.before(async () => {
    browser = await Browser.open(chromium);
  });
  test.after(() => browser.close());
  const run = (options: Augmenting, where: RunOptions = {}) =>
    browser.run<Augmented>(augmenting, 'augment', options, where);

  for (const workers of [0, 1, 2]) {
    for (const place of ['page', 'worker'] as const) {
      test(`${workers} workers, on a ${place}: what Node computes`, async () => {
        const expected = await augment(quern, { workers });
        assert.equal(await run({ workers }, { place }), expected);
      });
    }
  }

  test('without isolation: by the thread itself', async () => {
    const expected = await augment(quern, { workers: 0 });
    assert.equal(await run({ workers: 2 }, { isolated: false }), expected);
  });

  test("a worker's script that does not load is an error", async () => {
    const message = await run({ workers: 1, workerUrl: '/nowhere.js' }).then(String, String);
    assert.match(message, 'QuernError: augment: data worker 1 died: its script does not load');
    assert.match(message, 'With 0 workers the thread that trains augments itself.');
  });
});

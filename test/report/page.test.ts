import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import type { Dataset } from '../../src/data/dataset.js';
import { collect, examine, type ReportData } from '../../src/report/page/collect.js';
import { renderReport } from '../../src/report/page/page.js';
import { writeReport } from '../../src/report/page/write.js';
import { inFolder } from '../data/support.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';
import { fixture, withEngine } from '../training/support.js';
import { convolutional, runOf, untrained } from './support.js';

const evil = '<img src=x onerror="alert(1)">&';
/** The fixture, with a class whose name would break a page that does not escape. */
const dataset: Dataset = {
  ...fixture.test,
  name: 'mnist',
  classes: [evil, ...fixture.test.classes.slice(1)],
};

/** A report with all its parts. */
async function everything(): Promise<ReportData> {
  let data: ReportData | undefined;
  await withEngine(async (engine) => {
    const file = await untrained(engine, convolutional(), dataset);
    const examined = await examine(engine, file, dataset, { robustness: true });
    // mnist has published results, the fixture has none
    data = await collect(runOf('mnist'), file, examined, ['Something is missing.']);
  });
  return data!;
}

/** A run on the first images. */
function limited(limit: number) {
  const run = runOf('mnist');
  return { ...run, config: { ...run.config, settings: { ...run.config.settings, limit } } };
}

const whole = await everything();
const report = await renderReport(whole);
const { page, pictures } = report;

suite('report page', (test) => {
  test('has all its parts', () => {
    for (const id of [
      'curves',
      'ladder',
      'classes',
      'calibration',
      'predictions',
      'mistakes',
      'robustness',
      'layer',
      'run',
    ]) {
      assert.match(page, `<section id="${id}">`);
    }
    const { accuracy, interval } = whole.examined!.measures;
    const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
    assert.match(
      page,
      `>${percent(accuracy)}<small>test accuracy, 95% interval ${percent(interval[0])} to ${percent(interval[1])}<`,
    );
    assert.match(page, '<p>Something is missing.</p>');
    assert.match(
      page,
      'Trained with Quern 0.1.0 on reference (1 threads, float64) with adam, batches of 64.',
    );
    assert.match(page, '<code>optimizer.options.beta1</code></th><td class="text"><code>0.9</code>');
    assert.match(page, `<code>data.test.sha256</code></th><td class="text"><code>${'ab'.repeat(32)}</code>`);
    assert.match(page, 'LeNet-5');
    assert.is(page.match(/<li class="(right|wrong)">/g)!.length, 48);
    for (const name of ['loss', 'accuracy', 'learning-rate', 'ladder', 'confusion', 'reliability']) {
      assert.match(pictures.get(`${name}.svg`) as string, /^<svg [^>]*><style>@media/);
    }
    for (const name of ['predictions', 'mistakes', 'feature-maps', 'first-layer']) {
      assert.equal([...(pictures.get(`${name}.png`) as Uint8Array).subarray(1, 4)], [80, 78, 71]);
    }
  });

  test('is one file: nothing is loaded from elsewhere, nothing is run', () => {
    // links are followed by people alone
    const loaded = page.replace(/<a href="https:[^"]+" rel="noreferrer">/g, '');
    assert.not.match(loaded, /<script|<link rel="stylesheet|@import|url\((?!#)|https?:\/\/(?!www\.w3\.org)/);
    for (const [, source] of page.matchAll(/\ssrc="([^"]{5})/g)) assert.is(source, 'data:');
    assert.match(page, `content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  });

  test('escapes what it shows, and tells no paths of the machine', () => {
    assert.not.match(page, '<img src=x');
    assert.not.match(page, 'Some <processor>');
    assert.match(page, '&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#38;');
    assert.match(page, 'Some &#60;processor&#62;');
    assert.not.match(page, 'secret');
    for (const svg of pictures.values()) if (typeof svg === 'string') assert.not.match(svg, '<img');
  });

  test('the same run gives the same bytes', async () => {
    const again = await renderReport(await everything());
    assert.is(again.page, page);
    assert.equal([...again.pictures], [...pictures]);
  });

  test('every image and drawing has a text, every id is there once', () => {
    for (const [image] of page.matchAll(/<img [^>]*>/g)) assert.match(image, / alt="[^"]+"/);
    for (const [drawing] of page.matchAll(/<svg [^>]*>/g))
      assert.match(drawing, /role="img" aria-label="[^"]+"/);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    assert.is(new Set(ids).size, ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.includes(target), target);
  });

  test('a run without history, model and images shows its configuration', async () => {
    const run = { ...runOf('mnist', []), state: 'failed' as const, failure: 'the loss is no number' };
    const bare = await renderReport(await collect(run, undefined, undefined, []));
    assert.match(bare.page, 'The run is not finished: the loss is no number. Trained with');
    assert.match(bare.page, '<p>There are no learning curves: the run has no whole epoch');
    assert.equal(
      [...bare.page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id),
      ['run'],
    );
    assert.is(bare.pictures.size, 0);
  });

  test('sources are links', () => {
    assert.match(
      page,
      '<a href="https://github.com/tuomaso/train_mnist_fast" rel="noreferrer">tuomaso/train_mnist_fast</a>',
    );
  });

  test('a run with --limit says so, and is not set beside published results', async () => {
    const run = limited(600);
    const { examined } = whole;
    const { page } = await renderReport(await collect(run, undefined, examined, []));
    assert.match(page, '<dt>limit</dt><dd>first 600 images</dd>');
    assert.match(
      page,
      '<p>The run is not set beside published results: it had only the first 600 images (--limit).</p>',
    );
    assert.not.match(page, 'id="ladder"');
  });

  test('images of another dataset, or a part of them, are not set beside published results', async () => {
    for (const [name, count] of [
      ['fixture', 64],
      ['mnist', 63],
    ] as const) {
      const measures = { ...whole.examined!.measures, count };
      const examined = { ...whole.examined!, dataset: name, measures };
      const { page } = await renderReport(await collect(runOf('mnist'), undefined, examined, []));
      assert.match(page, 'The run is not set beside published results: it was not measured on its whole');
      assert.not.match(page, 'id="ladder"');
    }
  });

  test('a model without mistakes, and many classes', async () => {
    const classes = Array.from({ length: 47 }, (_, i) => `class ${i}`);
    await withEngine(async (engine) => {
      const many = { ...fixture.test, classes };
      const file = await untrained(engine, convolutional(47), many);
      const examined = await examine(engine, file, many);
      const right = { ...examined, mistakes: [], measures: { ...examined.measures, correct: 64 } };
      const { page, pictures } = await renderReport(await collect(runOf('fixture'), file, right, []));
      assert.match(page, 'There are none: all 64 images were told right.');
      assert.not.ok(pictures.has('mistakes.png'));
      // cells too small for numbers have none
      assert.not.match(pictures.get('confusion.svg') as string, /font-size:1[03]px[^>]*>\d+<\/text>/);
    });
  });
});

suite('report files', (test) => {
  test('a page and its pictures beside it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'deep', 'mine.html');
      const written = await writeReport(report, path);
      assert.is(written.page, path);
      assert.is(readFileSync(path, 'utf8'), page);
      assert.is(written.pictures.length, pictures.size);
      assert.ok(written.pictures.includes(join(folder, 'deep', 'mine', 'loss.svg')));
      assert.ok(written.pictures.every((picture) => existsSync(picture)));
    }));

  test('a path that is none', () =>
    inFolder(async (folder) => {
      await rejects(
        () => writeReport(report, join(folder, 'page')),
        UsageError,
        `report: the page must be called something.html: ${join(folder, 'page')}`,
      );
      writeFileSync(join(folder, 'file'), '');
      await rejects(
        () => writeReport(report, join(folder, 'file', 'page.html')),
        ModelError,
        `${join(folder, 'file')}: cannot be made: EEXIST: file already exists`,
      );
      mkdirSync(join(folder, 'taken.html'));
      await rejects(
        () => writeReport(report, join(folder, 'taken.html')),
        ModelError,
        `${join(folder, 'taken.html')}: cannot be written: EISDIR: it is a folder`,
      );
      assert.equal(readdirSync(folder).sort(), ['file', 'taken.html']);
    }));
});

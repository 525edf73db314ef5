import * as assert from 'uvu/assert';
import type { Dataset } from '../../src/data/dataset.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { sequential } from '../../src/nn/sequential.js';
import { ladder } from '../../src/report/metrics/ladder.js';
import { collect, examine } from '../../src/report/page/collect.js';
import { firstLayer } from '../../src/report/page/firstLayer.js';
import { pictureOf, sample, surestMistakes } from '../../src/report/page/gallery.js';
import { suite } from '../support/suite.js';
import { fixture, tinyDataset, withEngine } from '../training/support.js';
import { convolutional, history, runOf, untrained } from './support.js';

suite('report galleries', (test) => {
  const dataset: Dataset = { ...tinyDataset(4), labels: Uint8Array.from([0, 0, 1, 1]) };
  const predictions = {
    probabilities: [0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.5, 0.5],
    labels: dataset.labels,
    classes: dataset.classes,
  };

  test('the surest mistakes first', () => {
    const mistakes = surestMistakes(dataset, predictions);
    assert.equal(
      mistakes.map(({ index, label, predicted, right }) => [index, label, predicted, right]),
      [
        [1, 'a', 'b', false],
        [2, 'b', 'a', false],
        [3, 'b', 'a', false],
      ],
    );
    assert.equal(mistakes[0]!.guesses, [
      { name: 'b', probability: 0.8 },
      { name: 'a', probability: 0.2 },
    ]);
    assert.equal([...mistakes[0]!.picture.data], [...dataset.images.subarray(4, 8)]);
    assert.is(surestMistakes(dataset, predictions, 1).length, 1);
  });

  test('a sample is drawn at random, always the same one', () => {
    const drawn = sample(dataset, predictions, 2);
    assert.equal(sample(dataset, predictions, 2), drawn);
    assert.equal(
      sample(dataset, predictions).map(({ index }) => index),
      [0, 1, 2, 3],
    );
    assert.ok(drawn[0]!.index < drawn[1]!.index);
    const many = fixture.test;
    const rows = Float32Array.from({ length: many.count * 10 }, () => 0.1);
    const found = sample(many, { probabilities: rows, labels: many.labels, classes: many.classes });
    assert.is(found.length, 24);
    assert.ok(found.at(-1)!.index > 24);
  });

  test('pictures of one, three and other numbers of channels', () => {
    const of = (channels: number) => pictureOf({ ...dataset, shape: [1, 4 / channels, channels] }, 1);
    const image = [...dataset.images.subarray(4, 8)];
    assert.equal([of(1).channels, ...of(1).data], [1, ...image]);
    assert.equal([of(2).channels, of(2).width, ...of(2).data], [1, 2, image[0]!, image[2]!]);
    const color = pictureOf({ ...dataset, shape: [1, 1, 3] }, 1);
    assert.equal([color.channels, ...color.data], [3, ...dataset.images.subarray(3, 6)]);
  });
});

suite('report of weights', (test) => {
  test('filters of a convolution, in its colors', () =>
    withEngine(async (engine) => {
      const file = await untrained(engine, convolutional(), fixture.test);
      const found = firstLayer(file)!;
      assert.is(found.path, 'layers.0');
      assert.is(found.kind, 'filters');
      assert.is(found.count, 3);
      assert.is(found.pictures.length, 3);
      const weights = file.tensors.get('layers.0.filter')!.data as Float32Array;
      const sizes = weights.map(Math.abs).sort();
      assert.is(found.limit, sizes[Math.floor(0.99 * 26)]);
      // [3, 3, 1, 3]: the second filter's second weight; red of orange and white is at least 213, of blue less
      const weight = weights[3 + 1]!;
      const [red, , blue] = found.pictures[1]!.data.subarray(3, 6);
      assert.ok(weight > 0 ? red! > blue! : red! < blue!);
    }));

  test('weights of a dense layer as images; none of any other layer', () =>
    withEngine(async (engine) => {
      const file = await untrained(engine, sequential([flatten(), dense(40), dense(10)]), fixture.test);
      const found = firstLayer(file)!;
      assert.equal(
        [found.kind, found.path, found.count, found.pictures.length, found.pictures[0]!.width],
        ['weights', 'layers.1', 40, 32, 28],
      );
      const deep = await untrained(engine, sequential([dense(4), flatten(), dense(10)]), fixture.test);
      assert.is(firstLayer(deep), undefined);
      const none = await untrained(engine, flatten(), tinyDataset(3));
      assert.is(firstLayer(none), undefined);
    }));
});

suite('report data', (test) => {
  test('what a model does on images', () =>
    withEngine(async (engine) => {
      const file = await untrained(engine, convolutional(), fixture.test);
      const progress: number[] = [];
      const found = await examine(engine, file, fixture.test, { onProgress: (done) => progress.push(done) });
      assert.equal([found.dataset, found.split, found.backend.backend], ['fixture', 'test', 'reference']);
      assert.is(found.measures.count, 64);
      assert.ok(Math.abs(found.loss - found.measures.logLoss) < 1e-5);
      assert.is(found.gallery.length, 24);
      assert.is(found.mistakes.length, 24);
      assert.is(found.features!.maps.length, 3);
      assert.equal([found.features!.maps[0]!.width, found.features!.maps[0]!.height], [13, 13]);
      assert.equal(found.features!.image, found.gallery[0]!.picture);
      assert.is(found.robustness, undefined);
      assert.is(progress.at(-1), 64);
    }));

  test('without a first layer of pictures there are no feature maps', () =>
    withEngine(async (engine) => {
      const file = await untrained(engine, sequential([flatten(), dense(10)]), fixture.test);
      const found = await examine(engine, file, fixture.test, { robustness: true });
      assert.is(found.features, undefined);
      assert.is(found.robustness!.length, 16);
      assert.is(found.robustness![0]!.example.width, 28);
    }));

  test('what is absent is said', () =>
    withEngine(async (engine) => {
      const deep = await untrained(engine, sequential([dense(4), flatten(), dense(10)]), fixture.test);
      const { absent, references, first, summary } = await collect(runOf('fixture', []), deep, undefined, [
        'No images.',
      ]);
      assert.equal(absent, [
        'No images.',
        'There are no learning curves: the run has no whole epoch in its history.jsonl.',
        'There is no reference ladder: no published accuracies are known for fixture.',
        'There are no pictures of weights: the first layer is neither a convolution nor dense on whole images.',
      ]);
      assert.equal(references, []);
      assert.is(first, undefined);
      assert.is(summary!.layers.length, 3);
      const bare = await collect(runOf('mnist'), undefined, undefined, []);
      assert.equal(bare.absent, []);
      assert.equal(bare.run.history, history);
      assert.ok(bare.references.length > 5);
    }));
});

suite('reference ladder', (test) => {
  test('a run stands among published results', () => {
    const reference = { dataset: 'mnist', source: 'somebody' };
    const references = [
      { ...reference, model: 'good', testAccuracy: 99, recipe: 'SGD', note: 'old data' },
      { ...reference, model: 'equal', testAccuracy: 98 },
      { ...reference, model: 'bad', testAccuracy: 90 },
    ];
    assert.equal(ladder(references, { name: 'mine', accuracy: 0.98, interval: [0.97, 0.985] }), [
      { name: 'good', accuracy: 99, source: 'somebody', about: 'SGD; old data' },
      { name: 'mine', accuracy: 98, interval: [97, 98.5] },
      { name: 'equal', accuracy: 98, source: 'somebody', about: '' },
      { name: 'bad', accuracy: 90, source: 'somebody', about: '' },
    ]);
  });
});

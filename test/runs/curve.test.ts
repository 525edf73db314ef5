import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { Curve, mostCurvePoints, readCurve } from '../../src/runs/curve.js';
import { inFolder } from '../data/support.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';

suite('curve within epochs', (test) => {
  test('means over the steps between two reports, anew with every epoch', () => {
    const curve = new Curve();
    curve.add({ epoch: 1, step: 1, steps: 4, loss: 4, accuracy: 0 });
    curve.add({ epoch: 1, step: 4, steps: 4, loss: 2.5, accuracy: 0.75 });
    curve.add({ epoch: 2, step: 2, steps: 4, loss: 1, accuracy: 0.5 });
    assert.equal(curve.points, [
      { at: 0.25, loss: 4, accuracy: 0 },
      { at: 1, loss: 2, accuracy: 1 },
      { at: 1.5, loss: 1, accuracy: 0.5 },
    ]);
  });

  test('is bounded, ends with the last step, and leaves out what is no number', () => {
    const curve = new Curve();
    for (let step = 1; step <= 3000; step++) {
      curve.add({ epoch: 1, step, steps: 3000, loss: 2, accuracy: 0.5 });
      assert.ok(curve.points.length <= mostCurvePoints);
    }
    assert.ok(curve.points.length > mostCurvePoints / 3);
    assert.is(curve.points.at(-1)!.at, 1);
    curve.add({ epoch: 2, step: 1, steps: 3000, loss: Number.NaN, accuracy: 0.5 });
    assert.is(curve.points.at(-1)!.at, 1);
  });

  test('is written and read; a run of before has none; a file that is wrong is named', () =>
    inFolder(async (folder) => {
      assert.equal(await readCurve(folder), []);
      const points = [{ at: 0.5, loss: 1, accuracy: 0.5 }];
      await new Curve(points).write(folder);
      assert.equal(await readCurve(folder), points);
      writeFileSync(join(folder, 'curve.json'), '{"points":[{"at":-1,"loss":1,"accuracy":0.5}]}');
      await rejects(
        () => readCurve(folder),
        DataError,
        `${join(folder, 'curve.json')}.points[0].at must be a number from 0 to ${Number.MAX_VALUE}: -1`,
      );
    }));
});

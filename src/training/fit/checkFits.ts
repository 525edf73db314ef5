import { ShapeError } from '../../core/errors.js';
import { formatShape, sameShape } from '../../core/shape.js';
import { checkDataset, type Dataset } from '../../data/dataset.js';
import type { Model } from '../../nn/model.js';

/** Throws DataError unless it is a sound dataset, ShapeError unless a model takes a dataset's images and gives a number for each of its classes. */
export function checkFits(what: string, model: Model, dataset: Dataset): void {
  checkDataset(what, dataset);
  const { shape, classes } = dataset;
  const { inputShape, outputShape } = model;
  if (!sameShape(inputShape, shape)) {
    throw new ShapeError(
      `${what}: the model takes images of ${formatShape(inputShape)}, these are ${formatShape(shape)}`,
    );
  }
  if (!sameShape(outputShape, [classes.length])) {
    throw new ShapeError(
      `${what}: the model gives ${formatShape(outputShape)} for an image, there are ${classes.length} classes`,
      { hint: `The last layer of a classifier is dense(${classes.length}).` },
    );
  }
}

/**
 * Quern: the whole public surface. Layers own the plain names (`relu()` makes a layer); ops of tensors are in `ops`
 * (`ops.relu(x)`) and, most of them, methods of Tensor (`x.relu()`). What runs in browsers too is in browser.ts, what
 * needs files is here.
 */

export * from './browser.js';
export { type DatasetDescription, describeDatasets } from './data/catalog/catalog.js';
export { type LoadOptions, loadDataset } from './data/catalog/datasets.js';
export { readImage } from './data/images/images.js';
export { loadUserDataset, type UserDatasetOptions } from './data/user/loadUserDataset.js';
export { importModel } from './formats/files.js';
export { loadCheckpoint, saveCheckpoint } from './training/files/checkpointFile.js';
export { loadModel, saveModel } from './training/files/savedModel.js';

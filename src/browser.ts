/**
 * The part of Quern that runs wherever there is a JavaScript engine: bundlers for browsers take this file for `quern`.
 * Nothing in it needs Node. Docs: docs/browser.md.
 */

export type { Dtype, HostArray } from './core/dtype.js';
export {
  BackendError,
  DataError,
  DtypeError,
  GradientError,
  ModelError,
  PlanError,
  QuernError,
  ShapeError,
  TrainingError,
  UsageError,
} from './core/errors.js';
export type { Shape } from './core/shape.js';
export type { Augmentation, Elastic, Erase } from './data/augment/augmentation.js';
export { type Augmenter, type AugmenterOptions, createAugmenter } from './data/augment/augmenter.js';
export { defaultAugmentation } from './data/augment/defaults.js';
export { mixupRatio } from './data/augment/mixup.js';
export type { Dataset } from './data/dataset.js';
export { decodeImage } from './data/images/decodeImage.js';
export type { InputImage } from './data/images/inputImage.js';
export { looksInverted } from './data/images/prepare.js';
export * as datasets from './datasets.js';
export type { BackendReport, RunOptions } from './engine/backend.js';
export {
  checkGradients,
  type GradientCheck,
  type GradientCheckOptions,
  type GradientInput,
} from './engine/checkGradients.js';
export {
  type CompiledStep,
  Engine,
  type FeedValue,
  openEngine,
  type Signature,
  type StepFunction,
  type StepResult,
} from './engine/engine.js';
export type {
  AutoOptions,
  BackendName,
  BackendOptions,
  GpuOptions,
  ReferenceOptions,
  WasmOptions,
} from './engine/options.js';
export * as expressions from './expressions.js';
export {
  type Exported,
  type ExportFormat,
  type ExportResults,
  exportFormats,
  exportModel,
} from './formats/export.js';
export { decodeForeignModel, type Imported, type ImportOptions, pixelScales } from './formats/import.js';
export * as initializers from './initializers.js';
export { type InsideOptions, lookInside } from './inside/look.js';
export type { InsideView, KernelView, OpView, Part, SlotView, TinyView } from './inside/view.js';
export * as leaves from './leaves.js';
export * as metrics from './metrics.js';
export { modelOfDescription } from './nn/bounds.js';
export { glorotUniform } from './nn/initializers.js';
export { type Context, type Json, type Layer, layer } from './nn/layer.js';
export {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSilu,
  leakyRelu,
  relu,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  tanh,
} from './nn/layers/activations.js';
export { type AffineOptions, affine } from './nn/layers/affine.js';
export { type BatchNormOptions, batchNorm } from './nn/layers/batchNorm.js';
export { type Conv2dOptions, conv2d } from './nn/layers/conv2d.js';
export { type DenseOptions, dense } from './nn/layers/dense.js';
export { type DepthwiseConv2dOptions, depthwiseConv2d } from './nn/layers/depthwiseConv2d.js';
export { dropout } from './nn/layers/dropout.js';
export { flatten } from './nn/layers/flatten.js';
export { type GraphNode, graph, type JoinKind } from './nn/layers/graph.js';
export { type LayerNormOptions, layerNorm } from './nn/layers/layerNorm.js';
export { averagePool2d, globalAveragePool2d, globalMaxPool2d, maxPool2d } from './nn/layers/pool.js';
export { residual } from './nn/layers/residual.js';
export { type ResidualBlockOptions, residualBlock } from './nn/layers/residualBlock.js';
export { type SeparableConv2dOptions, separableConv2d } from './nn/layers/separableConv2d.js';
export { permute, reshape, zeroPad2d } from './nn/layers/shapes.js';
export { type CrossEntropyOptions, crossEntropy, meanSquaredError } from './nn/losses.js';
export { type ApplyOptions, Model } from './nn/model.js';
export { describeLayer, type LayerFactory, registerLayer, restoreLayer } from './nn/registry.js';
export { sequential } from './nn/sequential.js';
export { type LayerSummary, type Summary, summarize, summaryTable } from './nn/summary.js';
export * as ops from './ops.js';
export { type AdadeltaOptions, adadelta } from './optimizers/adadelta.js';
export { type AdagradOptions, adagrad } from './optimizers/adagrad.js';
export { type AdamOptions, adam, adamW } from './optimizers/adam.js';
export { type ClipOptions, clipByNorm, clipByValue, clipGradients } from './optimizers/clipping.js';
export { type ParameterGroup, parameterGroups } from './optimizers/groups.js';
export { type MuonOptions, muon } from './optimizers/muon.js';
export { type OneCycleOptions, oneCycle } from './optimizers/oneCycle.js';
export type { BuiltOptimizer, Optimizer } from './optimizers/optimizer.js';
export { parseOptimizer, parseSchedule } from './optimizers/parse.js';
export {
  type Plateau,
  type PlateauMonitor,
  type PlateauOptions,
  type PlateauState,
  reduceOnPlateau,
} from './optimizers/plateau.js';
export { type RmspropOptions, rmsprop } from './optimizers/rmsprop.js';
export {
  constantRate,
  cosineDecay,
  exponentialDecay,
  linearDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
  warmUp,
} from './optimizers/schedules.js';
export { type SgdOptions, sgd } from './optimizers/sgd.js';
export type { PlanOptions } from './plan/build.js';
export type { Plan } from './plan/plan.js';
export * as random from './random.js';
export { defineRecipe, type Recipe, type RecipeImages, type Reference } from './recipes/recipe.js';
export * as recipes from './recipes.js';
export { gradients } from './tensor/gradients.js';
export { type Initializer, type InitialValue, parameter } from './tensor/leaves.js';
export { matmul } from './tensor/ops/matmul.js';
export { definePointwise, type PointwiseRow } from './tensor/ops/pointwise.js';
export { Leaf, type LeafKind, Tensor, type TensorLike } from './tensor/tensor.js';
export type { Callback, CallbackState, Ending, Training } from './training/callbacks/callback.js';
export type { EarlyStoppingOptions } from './training/callbacks/earlyStopping.js';
export type { CheckpointOptions } from './training/callbacks/saving.js';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './training/files/checkpoint.js';
export type { ModelDetails, ModelFile } from './training/files/modelFile.js';
export { openModel } from './training/files/openModel.js';
export { type Classified, TrainedModel } from './training/files/trainedModel.js';
export type { Weights } from './training/files/weights.js';
export { fit } from './training/fit/fit.js';
export type { NonFinite, NonFiniteValue } from './training/fit/nonFinite.js';
export type { EpochRecord, FitOptions, FitProgress } from './training/fit/options.js';
export { Run } from './training/fit/run.js';
export { type Evaluation, evaluate, type InferenceOptions, predict } from './training/inference/inference.js';
export type { Normalization } from './training/inference/normalization.js';
export type { CanvasPixels, ImagePixels, NumberList } from './training/inference/pixels.js';
export type { RateAnalysis, RatePoint, SmoothedPoint } from './training/rateFinder/analysis.js';
export {
  findLearningRate,
  type RateFinderOptions,
  type RateSearch,
} from './training/rateFinder/rateFinder.js';

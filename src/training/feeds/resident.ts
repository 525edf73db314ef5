import type { Dataset } from '../../data/dataset.js';
import { state } from '../../tensor/leaves.js';
import { gather } from '../../tensor/ops/gather.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { Feed, Pass } from './feed.js';

/** A whole dataset as leaves, so that a step is fed nothing but indices. */
interface ResidentData {
  /** uint8 `[count, height, width, channels]` */
  readonly images: Leaf;
  /** uint8 `[count]` */
  readonly labels: Leaf;
}

const known = new WeakMap<Dataset, ResidentData>();

/** The leaves of a dataset: always the same for the same object, so that an engine holds it once. */
function residentData(dataset: Dataset): ResidentData {
  let resident = known.get(dataset);
  if (resident === undefined) {
    const { name, split, count, shape, images, labels } = dataset;
    resident = {
      images: state(`${name}.${split}.images`, [count, ...shape], images, 'uint8'),
      labels: state(`${name}.${split}.labels`, [count], labels, 'uint8'),
    };
    known.set(dataset, resident);
  }
  return resident;
}

/** The engine holds the whole dataset, and a step is fed `indices`, int32 `[batch]`. */
export class ResidentFeed implements Feed {
  private readonly data: ResidentData;
  private pass: Pass | undefined;

  constructor(readonly dataset: Dataset) {
    this.data = residentData(dataset);
  }

  signature(batchSize: number) {
    return { indices: { shape: [batchSize], dtype: 'int32' } } as const;
  }

  images({ indices }: Readonly<Record<string, Leaf>>) {
    return gather(this.data.images, indices!);
  }

  labels({ indices }: Readonly<Record<string, Leaf>>) {
    return gather(this.data.labels, indices!);
  }

  begin(pass: Pass): void {
    this.pass = pass;
  }

  reach(position: number): number {
    return this.pass!.order.length - position;
  }

  async values(position: number, count: number) {
    return { indices: this.pass!.order.subarray(position, position + count) };
  }

  async close(): Promise<void> {
    this.pass = undefined;
  }
}

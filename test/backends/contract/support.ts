import * as assert from 'uvu/assert';
import { allocateHost, type Dtype, type HostArray } from '../../../src/core/dtype.js';
import { type Shape, sizeOf } from '../../../src/core/shape.js';
import type { Backend, Feeds, Fetches, Program, Resident, RunOptions } from '../../../src/engine/backend.js';
import { buildPlan } from '../../../src/plan/build.js';
import type { Plan } from '../../../src/plan/plan.js';
import type { Leaf, Tensor } from '../../../src/tensor/tensor.js';

/** One promise of the contract. */
export interface ContractRow {
  readonly name: string;
  /**
   * @param backend open, shared by all rows
   * @param open opens another one of the same kind
   */
  check(backend: Backend, open: () => Promise<Backend>): Promise<void>;
}

/** What a test wants computed, as a step of an engine would return it. */
export interface Wanted {
  readonly outputs?: Readonly<Record<string, Tensor>>;
  readonly updates?: readonly (readonly [Leaf, Tensor])[];
}

export function planFor(backend: Backend, { outputs = {}, updates = [] }: Wanted): Plan {
  return buildPlan({ outputs, updates }, backend.limits);
}

/** A backend with the residents that its plans share, as an engine keeps them. */
export class Bench {
  readonly residents = new Map<Leaf, Resident>();

  constructor(readonly backend: Backend) {}

  async resident(leaf: Leaf): Promise<Resident> {
    const resident = this.residents.get(leaf) ?? (await this.backend.allocate(leaf, leaf.initial()));
    this.residents.set(leaf, resident);
    return resident;
  }

  async prepare(wanted: Wanted): Promise<Program> {
    const plan = planFor(this.backend, wanted);
    for (const { leaf } of plan.leaves) if (leaf.kind !== 'input') await this.resident(leaf);
    return this.backend.prepare(plan, this.residents);
  }

  async run(wanted: Wanted, feeds: Feeds = {}, options: RunOptions = {}): Promise<Fetches> {
    return (await this.prepare(wanted)).run(feeds, options);
  }

  async read(leaf: Leaf): Promise<HostArray> {
    return (await this.resident(leaf)).read();
  }
}

/** 1, 2, 3, … */
export function counting(dtype: Dtype, shape: Shape): HostArray {
  const values = allocateHost(dtype, sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = i + 1;
  return values;
}

export const floats = (...values: readonly number[]): Float32Array => Float32Array.from(values);
export const integers = (...values: readonly number[]): Int32Array => Int32Array.from(values);

/** Numbers without a pattern, in (−1, 1), the same at every call. */
export function noise(size: number, seed = 1): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i * 12.9898 + seed * 78.233)));
}

/** Fails unless the arrays have the same bytes: faster than `assert.equal`, and NaN and −0 count. */
export function sameBytes(actual: HostArray, expected: HostArray, what = 'the arrays'): void {
  const [a, b] = [actual, expected].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  assert.ok(a!.length === b!.length && a!.every((byte, i) => byte === b![i]), `${what}: other bytes`);
}

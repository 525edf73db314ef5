/** What test/browser/gpu.test.ts has done in a browser. */
import type { GpuDevice } from '../../src/backends/gpu/device.js';
import { GpuBackend } from '../../src/backends/gpu/index.js';
import { ResidentDevice } from '../../src/backends/gpu/kernelPool.js';
import type { GpuMode } from '../../src/backends/gpu/modes.js';
import { openMode } from '../../src/backends/gpu/open.js';
import type * as Quern from '../../src/browser.js';
import type { Resident } from '../../src/engine/backend.js';
import { buildPlan } from '../../src/plan/build.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input, parameter, state } from '../../src/tensor/leaves.js';
import { matmul } from '../../src/tensor/ops/matmul.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import type { Leaf } from '../../src/tensor/tensor.js';

export interface GrowthResult {
  readonly mode: GpuMode;
  /** Of the device, when the first steps had been done and at the end. */
  readonly before: ResidentDevice['counts'];
  readonly after: ResidentDevice['counts'];
  readonly counted: number;
}

/**
 * 1,000 steps, in one run, of a step with the parts that could leave something behind: parameters with moments, a random
 * mask, a count of integers.
 */
export async function growth(_quern: typeof Quern, mode: GpuMode): Promise<GrowthResult> {
  const device = await openMode(mode);
  if (!(device instanceof ResidentDevice)) throw new Error(`${mode} is no mode of a device`);
  const backend = new GpuBackend(device);
  const x = input('x', [4, 6]);
  const w = parameter('w', [6, 3], 0.1);
  const m = state('m', [6, 3], 0);
  const n = state('n', [], 0, 'int32');
  const y = matmul(x, w).multiply(randomUniform([4, 3], randomKey(1, [], n)));
  const [gradient] = gradients(y.square().sum(), [w]);
  const moment = m.multiply(0.9).add(gradient!);
  const updates = [
    [w, w.subtract(moment.multiply(0.01))],
    [m, moment],
    [n, n.add(1)],
  ] as const;
  const plan = buildPlan({ outputs: {}, updates }, backend.limits);
  const residents = new Map<Leaf, Resident>();
  for (const leaf of [w, m, n]) residents.set(leaf, await backend.allocate(leaf, leaf.initial()));
  const program = await backend.prepare(plan, residents);
  const run = (steps: number) => program.run({ x: new Float32Array(24 * steps).fill(1) }, { steps });
  await run(5);
  const before = { ...device.counts };
  await run(1000);
  const after = { ...device.counts };
  const counted = (await residents.get(n)!.read())[0]!;
  await backend.close();
  return { mode, before, after, counted };
}

/** What went wrong when each of these was provoked: `Class: message`, or 'nothing'. */
export interface Failures {
  readonly text: string;
  readonly large: string;
  readonly lost: string;
  readonly afterwards: string;
}

/** Provokes what can go wrong on a device: a text that is none, too large a result, the loss of the device. */
export async function provokeFailures(_quern: typeof Quern, mode: GpuMode): Promise<Failures> {
  const device = await openMode(mode);
  const backend = new GpuBackend(device);
  const message = (work: Promise<unknown>) =>
    work.then(
      () => 'nothing',
      (error: unknown) => String(error).split('\n')[0]!,
    );
  const text = await message(
    device.compile({ source: 'function twice(x0) { return y[0]; }', output: [3, 2], columns: [6] }, [6]),
  );
  const wide = 2 ** 14;
  const large = await message(
    device.compile({ source: 'function ones() { return 1; }', output: [wide, wide * 4], columns: [] }, []),
  );
  const n = state('n', [4], 0);
  const plan = buildPlan({ outputs: {}, updates: [[n, n.add(1)]] }, backend.limits);
  const resident = await backend.allocate(n, n.initial());
  const program = await backend.prepare(plan, new Map([[n, resident]]));
  await program.run({});
  const onProgress = (finished: number) => {
    if (finished === 3) lose(device);
  };
  const lost = await message(program.run({}, { steps: 1e6, onProgress }));
  const afterwards = await message(resident.read());
  await backend.close();
  return { text, large, lost, afterwards };
}

/** Ends the device behind the backend's back, as a driver that crashes does. */
function lose(device: GpuDevice): void {
  const context: WebGL2RenderingContext | { device: GPUDevice } = Reflect.get(device, 'context');
  if ('device' in context) context.device.destroy();
  else context.getExtension('WEBGL_lose_context')!.loseContext();
}

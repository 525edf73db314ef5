/** Losses of the steps within epochs: `curve.json`, a bounded number of points. */
import { join } from 'node:path';
import { jsonText, writeWhole } from '../core/files.js';
import { at } from '../core/lists.js';
import { list, number, object } from '../core/schema.js';
import type { FitProgress } from '../training/fit/options.js';
import { readJson, runFiles } from './files.js';

/** Some steps of a training. */
export interface CurvePoint {
  /** Where they end: epochs that are done, with the part of the one that runs; 1.5 is the middle of the second. */
  readonly at: number;
  /** Means over these steps. */
  readonly loss: number;
  /** From 0 to 1. */
  readonly accuracy: number;
}

const checkCurve = object<{ points: CurvePoint[] }>(
  { points: list(object<CurvePoint>({ at: number(0), loss: number(), accuracy: number(0, 1) }, {}, 'keep')) },
  {},
  'keep',
);

/**
 * The points of a run; none where it has not kept any, as runs of before.
 *
 * @throws DataError when the file cannot be read or is no curve
 */
export async function readCurve(folder: string): Promise<readonly CurvePoint[]> {
  const path = join(folder, runFiles.curve);
  const json = await readJson(path);
  return json === undefined ? [] : checkCurve(json, path).points;
}

export const mostCurvePoints = 400;

/** Every two neighbors become one: half as many tell as much of a long training. */
function halved(points: readonly CurvePoint[]): CurvePoint[] {
  return points.flatMap((point, i) => {
    if (i % 2 === 0) return i === points.length - 1 ? [point] : [];
    const before = at(points, i - 1);
    const [loss, accuracy] = [(before.loss + point.loss) / 2, (before.accuracy + point.accuracy) / 2];
    return [{ at: point.at, loss, accuracy }];
  });
}

type Told = Pick<FitProgress, 'epoch' | 'step' | 'steps' | 'loss' | 'accuracy'>;

/** Gathers the points of a training from its progress, which tells means over the epoch so far. */
export class Curve {
  private last: Told | undefined;

  constructor(public points: readonly CurvePoint[] = []) {}

  add(told: Told): void {
    const { epoch, step, steps } = told;
    const { last } = this;
    const before = last?.epoch === epoch && last.step < step ? last : { step: 0, loss: 0, accuracy: 0 };
    const since = (name: 'loss' | 'accuracy') =>
      (told[name] * step - before[name] * before.step) / (step - before.step);
    const loss = since('loss');
    const accuracy = Math.min(1, Math.max(0, since('accuracy')));
    this.last = told;
    if (!Number.isFinite(loss) || !Number.isFinite(accuracy)) return;
    this.points = [...this.points, { at: epoch - 1 + step / steps, loss, accuracy }];
    if (this.points.length > mostCurvePoints) this.points = halved(this.points);
  }

  async write(folder: string): Promise<void> {
    await writeWhole(join(folder, runFiles.curve), jsonText({ points: this.points }));
  }
}

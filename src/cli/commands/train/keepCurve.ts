import { Curve, readCurve } from '../../../runs/curve.js';
import type { Callback } from '../../../training/callbacks/callback.js';

/** Keeps the loss within epochs in the run's folder; a resumed training goes on with what its steps so far have told. */
export function keepCurve(folder: string): Callback {
  let curve = new Curve();
  return {
    async onBegin({ steps, stepsPerEpoch }) {
      // a file that is damaged is made anew: it must not end a training
      const points = steps === 0 ? [] : await readCurve(folder).catch(() => []);
      curve = new Curve(points.filter(({ at }) => at <= steps / stepsPerEpoch));
    },
    onProgress: (progress) => curve.add(progress),
    onEpoch: () => curve.write(folder),
    onEnd: () => curve.write(folder),
  };
}

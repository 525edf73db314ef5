import { openEngine } from '../src/engine/engine.js';
import type { Bench, Findings } from './support/bench.js';
import {
  imagesFor,
  imagesText,
  type SeedModel,
  SeedTraining,
  seedModels,
  seedModelTitles,
} from './support/seedModels.js';
import { summarize } from './support/statistics.js';

const batch = 128;
/** After some 760 steps without a gradient a moment of Adam would be subnormal. */
const lateSteps = { quick: 1000, full: 3000 };
const turns = { quick: 7, full: 25 };
/** Few enough for the early training to stay early. */
const stepsPerTurn: Readonly<Record<SeedModel, number>> = {
  mlp: 24,
  cnn: 6,
  'fashion-cnn': 4,
  'fashion-resnet': 1,
};

export const bench: Bench = {
  question: 'Is a step as fast late in a training, where moments have decayed, as early in it?',
  async run({ backend, quick, progress }): Promise<Findings> {
    const datasets = [];
    const size = quick ? 'quick' : 'full';
    const models = quick ? (['mlp'] as const) : seedModels;
    await using engine = await openEngine({ ...backend, backend: 'wasm', threads: 1 });
    const rows = [];
    for (const model of models) {
      // learned by heart before the late steps: most gradients are 0 by then
      const dataset = await imagesFor(model, quick ? 2048 : 8192);
      datasets.push(dataset);
      const late = new SeedTraining(engine, model, dataset);
      const early = new SeedTraining(engine, model, dataset);
      // what the ratio is of two trainings that are both early: the noise of the machine
      const other = new SeedTraining(engine, model, dataset);
      for (let done = 0; done < lateSteps[size]; done += 50) {
        await late.run(batch, 50);
        progress(`${model}: ${done + 50} of ${lateSteps[size]} steps`);
      }
      const seconds = async (training: SeedTraining) => {
        const began = performance.now();
        await training.run(batch, stepsPerTurn[model]);
        return (performance.now() - began) / 1000;
      };
      await seconds(early);
      await seconds(other);
      const rounds: Record<'late' | 'other', number[]> = { late: [], other: [] };
      for (let turn = 0; turn < turns[size]; turn++) {
        const base = await seconds(early);
        rounds.late.push(base / (await seconds(late)));
        rounds.other.push(base / (await seconds(other)));
      }
      const title = seedModelTitles[model];
      rows.push({ model: title, steps: lateSteps[size], ratio: summarize(rounds.late) });
      rows.push({ model: title, steps: 0, ratio: summarize(rounds.other) });
    }
    return {
      columns: [
        { key: 'model', title: 'model' },
        { key: 'steps', title: 'late: after steps' },
        { key: 'ratio', title: 'late ÷ early speed' },
      ],
      rows,
      notes: [
        `${imagesText(datasets)} Batches of ${batch}, Adam, one thread; both trainings in turns on one engine.`,
      ],
      backends: [engine.report],
      plots: [
        {
          title: 'Speed of a late step beside an early one, and of two early ones',
          kind: 'bar',
          x: {
            title: '',
            values: rows.map(({ model, steps }) => `${model}, ${steps === 0 ? 'early' : 'late'}`),
          },
          y: { title: 'ratio' },
          series: [{ name: 'to an early step', values: rows.map(({ ratio }) => ratio.median) }],
        },
      ],
    };
  },
};

import { spawn } from 'node:child_process';
import { openEngine } from '../src/engine/engine.js';
import type { Bench, Findings, Row } from './support/bench.js';
import { withThreads } from './support/bench.js';
import { interleave, rateOf, speedUp } from './support/measure.js';
import { imagesFor, imagesText, SeedTraining, seedModels, seedModelTitles } from './support/seedModels.js';

const batch = 128;
const threads = [1, 2] as const;
/** Other processes that take what they get of a processor. */
const others = [0, 1] as const;

/** Starts a process that is always busy; gives what ends it. */
function startBusy(): () => void {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  return () => child.kill('SIGKILL');
}

export const bench: Bench = {
  question: 'How much faster is a step on two threads than on one, also while another process is busy?',
  async run(context): Promise<Findings> {
    const limit = context.quick ? 2048 : undefined;
    const engines = await Promise.all(
      threads.map((count) => openEngine(withThreads(context.backend, count))),
    );
    const rows: Row[] = [];
    const images = [];
    try {
      for (const model of seedModels) {
        const dataset = await imagesFor(model, limit);
        images.push(dataset);
        const trainings = engines.map((engine) => new SeedTraining(engine, model, dataset));
        const subjects = threads.map((count, i) => ({
          name: String(count),
          run: (repeats: number) => trainings[i]!.run(batch, repeats),
        }));
        for (const busy of others) {
          const ends = Array.from({ length: busy }, startBusy);
          try {
            const samples = await interleave(subjects, context.sampling);
            const [one, two] = threads.map((count) => samples.get(String(count))!);
            rows.push({
              model: seedModelTitles[model],
              busy,
              one: rateOf(one!, batch),
              two: rateOf(two!, batch),
              ratio: speedUp(two!, one!),
            });
          } finally {
            for (const end of ends) end();
          }
          context.progress(`${model}, ${busy} other processes busy`);
        }
      }
    } finally {
      await Promise.all(engines.map((engine) => engine.close()));
    }
    return {
      columns: [
        { key: 'model', title: 'model' },
        { key: 'busy', title: 'busy processes beside it' },
        { key: 'one', title: 'images/s on one' },
        { key: 'two', title: 'images/s on two' },
        { key: 'ratio', title: 'two ÷ one, speed' },
      ],
      rows,
      notes: [`${imagesText(images)} Batches of ${batch}, by the clock on the wall, in turns.`],
      backends: engines.map(({ report }) => report),
      plots: [
        {
          title: 'How many times as fast two threads are as one',
          kind: 'bar',
          x: { title: '', values: rows.map(({ model, busy }) => `${model}, ${busy} busy`) },
          y: { title: 'ratio' },
          series: [
            {
              name: 'two ÷ one',
              values: rows.map(({ ratio }) => (ratio as { median: number }).median),
            },
          ],
        },
      ],
    };
  },
};

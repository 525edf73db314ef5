/** `--log`: what else is told of a training. */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { UsageError, withoutSecrets } from '../../../core/errors.js';
import { Mlflow } from '../../../logs/mlflow.js';
import { EventFile } from '../../../logs/tensorboard.js';
import type { Pixels } from '../../../report/page/picture.js';
import type { RunSettings } from '../../../runs/config.js';
import type { Callback, Training } from '../../../training/callbacks/callback.js';

export interface LogArguments {
  readonly log?: readonly string[] | undefined;
  /** How weights are spread, with every epoch. */
  readonly logWeights?: boolean | undefined;
}

const mlflowForm = /^mlflow=(.+)$/;

/** Throws UsageError for a log that there is not, or what goes with none that was given. */
export function checkLogs({ log: logs = [], logWeights = false }: LogArguments): void {
  if (logWeights && !logs.includes('tensorboard'))
    throw new UsageError('--log-weights goes with --log tensorboard, which is not given');
  for (const log of logs) {
    const address = mlflowForm.exec(log)?.[1];
    if (address !== undefined) new Mlflow(address, () => {});
    else if (log !== 'tensorboard')
      throw new UsageError(
        `--log: there is no '${/:.*@/s.test(log) ? withoutSecrets(log) : log}': tensorboard, or mlflow=http://127.0.0.1:5000`,
      );
  }
}

const columns = 8;
/** Filters of three pixels are not seen: each pixel is a square of so many. */
const enlarged = 8;

/** How every array of weights is spread, and a picture of the first layer's. */
async function weightEntries(training: Training): Promise<Parameters<EventFile['write']>[1]> {
  const [{ firstLayer }, { enlarge, montage, pngOf }] = await Promise.all([
    import('../../../report/page/firstLayer.js'),
    import('../../../report/page/picture.js'),
  ]);
  const weights = await training.weights();
  const spread = [...weights].map(([name, values]) => ({ tag: `weights/${name}`, values }));
  const model = training.validated;
  const tensors = new Map(
    model.parameters.map(({ name, shape }) => [
      name,
      { shape, data: weights.get(name) ?? new Float32Array() },
    ]),
  );
  const first = firstLayer({ model, tensors });
  if (first === undefined) return spread;
  const small = first.pictures.map((picture) => enlarge(picture, first.kind === 'filters' ? enlarged : 1));
  const whole = montage(small, columns, 2);
  return [...spread, { tag: `pictures/${first.path}`, png: pngOf(whole), ...sizeOf(whole) }];
}

const sizeOf = ({ width, height, channels }: Pixels) => ({ width, height, channels });

/** Numbers of every epoch, and of moments within. What cannot be written is said once and ends nothing. */
function tensorboard(folder: string, weights: boolean, onFault: (message: string) => void): Callback {
  const seconds = Math.floor(Date.now() / 1000);
  const path = join(folder, 'tensorboard', `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`);
  const file = new EventFile(path);
  let broken = false;
  const write: EventFile['write'] = async (step, entries) => {
    if (broken) return;
    await mkdir(join(folder, 'tensorboard'), { recursive: true })
      .then(() => file.write(step, entries))
      .catch((error: Error) => {
        broken = true;
        onFault(`tensorboard: ${error.message}`);
      });
  };
  return {
    onProgress: ({ loss, accuracy, imagesPerSecond, learningRate }, { steps }) =>
      write(steps, [
        { tag: 'training/loss', scalar: loss },
        { tag: 'training/accuracy', scalar: accuracy },
        { tag: 'training/learning rate', scalar: learningRate },
        { tag: 'training/images per second', scalar: imagesPerSecond },
      ]),
    async onEpoch({ step, epoch, ...numbers }, training) {
      const scalars = Object.entries(numbers).map(([name, scalar]) => ({ tag: `epoch/${name}`, scalar }));
      await write(step, [...scalars, ...(weights ? await weightEntries(training) : [])]);
    },
  };
}

function mlflow(
  address: string,
  folder: string,
  settings: RunSettings,
  onFault: (message: string) => void,
): Callback {
  const server = new Mlflow(address, onFault);
  return {
    onBegin: () => server.begin(settings.recipe, basename(folder), settings),
    onEpoch: (record) => server.epoch(record),
    onEnd: ({ ending }) => server.end(ending === 'finished' || ending === 'early stopping'),
  };
}

/** The callbacks of `--log`. */
export function logCallbacks(
  { log = [], logWeights = false }: LogArguments,
  folder: string,
  settings: RunSettings,
  onFault: (message: string) => void,
): Callback[] {
  return log.map((each) => {
    const address = mlflowForm.exec(each)?.[1];
    return address === undefined
      ? tensorboard(folder, logWeights, onFault)
      : mlflow(address, folder, settings, onFault);
  });
}

/** Tells a tracking server of MLflow of a training, by its REST interface, version 2.0. */
import { properAddress, UsageError, withoutSecrets } from '../core/errors.js';
import type { EpochRecord } from '../training/fit/options.js';

const patience = 10_000;
/** Of parameters in one call, and of letters in a value. */
const limits = { parameters: 100, letters: 500 } as const;

/** Nested settings by names with dots. */
function flattened(value: unknown, name = ''): { key: string; value: string }[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [
      {
        key: name,
        value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, limits.letters),
      },
    ];
  return Object.entries(value).flatMap(([key, each]) =>
    flattened(each, name === '' ? key : `${name}.${key}`),
  );
}

export class Mlflow {
  private run: string | undefined;
  private readonly base: URL;

  /**
   * @param address of the server, such as http://127.0.0.1:5000
   * @param onFault told of what went wrong: it never ends a training
   */
  constructor(
    address: string,
    private readonly onFault: (message: string) => void,
  ) {
    if (!/^https?:\/\//.test(address) || properAddress(address) === undefined)
      throw new UsageError(`--log mlflow: not the address of a server: ${withoutSecrets(address)}`, {
        hint: 'Such as mlflow=http://127.0.0.1:5000; special characters of a password are percent-encoded: / is %2F.',
      });
    this.base = new URL(address.endsWith('/') ? address : `${address}/`);
  }

  /** Begins a run in the experiment of that name, which is made where there is none. */
  async begin(experiment: string, name: string, settings: object): Promise<void> {
    const id = await this.experimentId(experiment);
    if (id === undefined) return;
    const answer = await this.call('runs/create', {
      experiment_id: id,
      run_name: name,
      start_time: Date.now(),
    });
    const { run } = (answer ?? {}) as { run?: { info?: { run_id?: string } } };
    this.run = run?.info?.run_id;
    if (this.run === undefined) return;
    const params = flattened(settings).slice(0, limits.parameters);
    await this.call('runs/log-batch', { run_id: this.run, params });
  }

  async epoch({ epoch, step, ...numbers }: EpochRecord): Promise<void> {
    if (this.run === undefined) return;
    const timestamp = Date.now();
    const metrics = Object.entries(numbers)
      .filter(([, value]) => Number.isFinite(value))
      .map(([key, value]) => ({ key, value, timestamp, step: epoch }));
    await this.call('runs/log-batch', {
      run_id: this.run,
      metrics: [...metrics, { key: 'step', value: step, timestamp, step: epoch }],
    });
  }

  async end(finished: boolean): Promise<void> {
    if (this.run === undefined) return;
    await this.call('runs/update', {
      run_id: this.run,
      status: finished ? 'FINISHED' : 'KILLED',
      end_time: Date.now(),
    });
  }

  private async experimentId(name: string): Promise<string | undefined> {
    const found = await this.call(
      `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`,
      undefined,
      true,
    );
    const { experiment } = (found ?? {}) as { experiment?: { experiment_id?: string } };
    if (experiment?.experiment_id !== undefined) return experiment.experiment_id;
    const made = (await this.call('experiments/create', { name })) as { experiment_id?: string } | undefined;
    return made?.experiment_id;
  }

  /** @param absent whether 404 is an answer */
  private async call(path: string, body: object | undefined, absent = false): Promise<unknown> {
    try {
      const { username, password, origin, pathname } = this.base;
      const url = new URL(`${origin}${pathname}api/2.0/mlflow/${path}`);
      const signal = AbortSignal.timeout(patience);
      const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      const headers = {
        'content-type': 'application/json',
        ...(username !== '' && { authorization: `Basic ${Buffer.from(secret).toString('base64')}` }),
      };
      const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const answer = await fetch(url, { ...options, headers, signal });
      if (absent && answer.status === 404) return undefined;
      if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 120)}`);
      return await answer.json();
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      this.onFault(`mlflow: ${path.replace(/\?.*/, '')}: ${cause?.message ?? message}`);
      return undefined;
    }
  }
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { inProject, onReference, quern, recipeText } from '../cli/support.js';
import { suite } from '../support/suite.js';

interface Call {
  readonly path: string;
  readonly body: { readonly [name: string]: unknown };
}

/** A tracking server that takes notes, and checks the form of what it is told. */
async function withServer(
  run: (address: string, calls: Call[]) => Promise<void>,
  broken = false,
): Promise<void> {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const path = request.url!.replace('/api/2.0/mlflow/', '');
    const text = Buffer.concat(parts).toString();
    calls.push({ path, body: text === '' ? {} : JSON.parse(text) });
    const answers: Record<string, object> = {
      'experiments/create': { experiment_id: '7' },
      'runs/create': { run: { info: { run_id: 'r1' } } },
      'runs/log-batch': {},
      'runs/update': {},
    };
    const answer = broken ? undefined : answers[path];
    response
      .writeHead(answer === undefined ? (broken ? 500 : 404) : 200)
      .end(JSON.stringify(answer ?? { error_code: 'NO' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

suite('logs', (test) => {
  test('mlflow is told settings and every epoch; tensorboard has a file', () =>
    withServer((address, calls) =>
      inProject(async (cwd) => {
        writeFileSync(join(cwd, 'own.mjs'), recipeText('validation: 0.2,'));
        const words = [
          'train',
          './own.mjs',
          '--out',
          'run',
          '--log',
          'tensorboard',
          '--log',
          `mlflow=${address}`,
          '--log-weights',
        ];
        const { code, stderr } = await quern([...words, '--quiet', ...onReference], { cwd });
        assert.is(code, 0, stderr);
        assert.equal(
          calls.map(({ path }) => path),
          [
            'experiments/get-by-name?experiment_name=tiny',
            'experiments/create',
            'runs/create',
            'runs/log-batch',
            'runs/log-batch',
            'runs/log-batch',
            'runs/update',
          ],
        );
        const params = calls[3]!.body.params as { key: string; value: string }[];
        assert.equal(
          params.find(({ key }) => key === 'optimizer.learningRate'),
          { key: 'optimizer.learningRate', value: '0.02' },
        );
        const metrics = calls[4]!.body.metrics as { key: string; value: number; step: number }[];
        assert.is(metrics.find(({ key }) => key === 'validationAccuracy')!.step, 1);
        assert.is(calls[6]!.body.status, 'FINISHED');
        const [events] = readdirSync(join(cwd, 'run/tensorboard'));
        assert.match(events!, /^events\.out\.tfevents\.\d+\./);
        // a picture of the first layer, of every epoch
        const bytes = readFileSync(join(cwd, 'run/tensorboard', events!), 'latin1');
        assert.ok(bytes.includes('pictures/layers.') && bytes.includes('\u0089PNG'));
      }),
    ));

  test('a server that fails or is not there ends no training; a log that there is not is said', () =>
    withServer(
      (address) =>
        inProject(async (cwd) => {
          const train = (...words: string[]) =>
            quern(['train', './tiny.mjs', '--epochs', '1', ...words, ...onReference], { cwd });
          const failing = await train('--out', 'a', '--log', `mlflow=${address}`);
          assert.is(failing.code, 0, failing.stderr);
          assert.match(failing.stderr, /quern: mlflow: experiments\/get-by-name: 500 /);
          const absent = await train('--out', 'b', '--log', 'mlflow=http://me:secret@127.0.0.1:1');
          assert.is(absent.code, 0, absent.stderr);
          assert.match(absent.stderr, /quern: mlflow: experiments\/get-by-name: /);
          assert.not.match(absent.stderr, /secret/);
          const wrong = await train('--log', 'wandb');
          assert.is(wrong.code, 2);
          assert.match(
            wrong.stderr,
            /^quern: --log: there is no 'wandb': tensorboard, or mlflow=http:\/\/127\.0\.0\.1:5000/,
          );
          const address2 = await train('--log', 'mlflow=here');
          assert.match(address2.stderr, /^quern: --log mlflow: not the address of a server: here/);
        }),
      true,
    ));
});

/** Servers that are there, and do not take what they are asked for. */
import * as assert from 'uvu/assert';
import { BackendError } from '../../src/core/errors.js';
import { openQueue } from '../../src/queue/open.js';
import { openStore } from '../../src/queue/store.js';
import { suite } from '../support/suite.js';
import { absent, servers } from './servers.js';

const refused = async (work: Promise<unknown>, message: RegExp, secret: string) =>
  work.then(
    () => assert.unreachable(String(message)),
    (error: Error) => {
      assert.instance(error, BackendError);
      assert.match(error.message, message);
      assert.not.ok(error.message.includes(secret));
    },
  );

suite('checks of servers', (test) => {
  const { url, variable } = servers[0];
  if (url === undefined) {
    test.unavailable('a database of Redis that there is not, a wrong password', absent(variable));
    return;
  }
  const { password } = new URL(url);
  const queue = (address: string) => openQueue({ queue: address, folder: 'none' }, () => {});

  test('a database of Redis that there is not', async () => {
    const hint = 'The number behind the server names one of its databases: ';
    const said = (option: string) =>
      new RegExp(`^${option} redis://[^@]*/99: cannot be reached: .*out of range\\n {2}${hint}`);
    await refused(queue(`${url}/99`), said('--queue'), password);
    await refused(openStore(`${url}/99`), said('--store'), password);
  });

  test('a wrong password of a store', async () => {
    const wrong = url.replace(password, 'hunter2');
    await refused(openStore(wrong), /^--store redis:\/\/[^@]*: cannot be reached: WRONGPASS/, 'hunter2');
  });

  test('a store of no server', async () => {
    for (const scheme of ['redis', 'postgres'])
      await refused(
        openStore(`${scheme}://u:hunter2@127.0.0.1:1`),
        /^--store \w+:\/\/127\.0\.0\.1:1: cannot be reached: .*ECONNREFUSED/,
        'hunter2',
      );
  });
});

import { availableParallelism } from 'node:os';
import * as assert from 'uvu/assert';
import { processorLimit, processors } from '../../src/core/machine.js';
import { suite } from '../support/suite.js';

/** The limit where these files are all that there is. */
const limitOf = (files: Readonly<Record<string, string>>) => processorLimit((path) => files[path]);

suite('machine: processors', (test) => {
  test('version 2: the group of the container is the root', () => {
    const limit = (max: string) => limitOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': max });
    assert.is(limit('200000 100000\n'), 2);
    assert.is(limit('350000 100000\n'), 3);
    assert.is(limit('50000 100000\n'), 1);
    assert.is(limit('max 100000\n'), Number.POSITIVE_INFINITY);
    assert.is(limit(''), Number.POSITIVE_INFINITY);
  });

  test('version 2: the least of a group and those around it', () => {
    const files = {
      '/proc/self/cgroup': '0::/user.slice/run-1.scope\n',
      '/sys/fs/cgroup/user.slice/cpu.max': '300000 100000\n',
      '/sys/fs/cgroup/user.slice/run-1.scope/cpu.max': 'max 100000\n',
    };
    assert.is(limitOf(files), 3);
    assert.is(limitOf({ ...files, '/sys/fs/cgroup/cpu.max': '100000 50000\n' }), 2);
  });

  test('version 1: the controller cpu, by its path or as the root of a container', () => {
    const groups =
      '12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/docker/abc\n';
    const limit = (folder: string, quota: string) =>
      limitOf({
        '/proc/self/cgroup': groups,
        [`${folder}/cpu.cfs_quota_us`]: quota,
        [`${folder}/cpu.cfs_period_us`]: '100000\n',
      });
    assert.is(limit('/sys/fs/cgroup/cpu,cpuacct/docker/abc', '400000\n'), 4);
    assert.is(limit('/sys/fs/cgroup/cpu', '150000\n'), 1);
    assert.is(limit('/sys/fs/cgroup/cpu', '-1\n'), Number.POSITIVE_INFINITY);
    // of another controller
    assert.is(limit('/sys/fs/cgroup/memory', '100000\n'), Number.POSITIVE_INFINITY);
  });

  test('no control groups, or one out of sight', () => {
    assert.is(limitOf({}), Number.POSITIVE_INFINITY);
    const files = { '/proc/self/cgroup': '0::/../../other\n', '/sys/fs/cgroup/cpu.max': '200000 100000' };
    assert.is(limitOf(files), 2);
  });

  test('of this process: no more than the machine has', () => {
    assert.ok(Number.isInteger(processors()));
    assert.ok(processors() >= 1 && processors() <= availableParallelism());
  });
});

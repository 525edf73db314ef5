import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError, UsageError } from '../../src/core/errors.js';
import { createWhole } from '../../src/core/files.js';
import { describeSystem, readConfig } from '../../src/runs/config.js';
import { readJson } from '../../src/runs/files.js';
import { historyLines, historyTable, parseHistory } from '../../src/runs/history.js';
import {
  holderOf,
  removeDeadShares,
  removeLeftovers,
  shareLock,
  sharersOf,
  takeLock,
  withLock,
} from '../../src/runs/lock.js';
import { readRun } from '../../src/runs/records.js';
import { judge, readReferences } from '../../src/runs/references.js';
import { readResult } from '../../src/runs/result.js';
import { studentQuantile, summarizeSample } from '../../src/runs/statistics.js';
import { inFolder, rejects } from '../data/support.js';
import { suite } from '../support/suite.js';

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);

suite('samples', (test) => {
  test("quantiles of Student's t", () => {
    // by numerical integration of the density (Simpson, 20,000 intervals) and bisection
    const known = {
      1: 12.706205,
      2: 4.302653,
      4: 2.776445,
      9: 2.262157,
      30: 2.042272,
      31: 2.039513,
      99: 1.984217,
    };
    for (const [degrees, value] of Object.entries(known))
      close(studentQuantile(Number(degrees)), value, 3e-6);
  });

  test('mean, deviation and interval of five accuracies, by hand', () => {
    // deviations from 0.9335: −6, 6, 0, 13, −13 in 1e-4; squares sum to 410e-8; 410e-8 / 4 = 1.025e-6
    const { count, mean, deviation, interval } = summarizeSample([0.9329, 0.9341, 0.9335, 0.9348, 0.9322]);
    assert.is(count, 5);
    close(mean, 0.9335, 1e-12);
    close(deviation!, 0.00101242, 1e-8);
    // 2.776445 · 0.00101242 / √5 = 0.00125709
    close(interval![0], 0.9335 - 0.00125709, 1e-8);
    close(interval![1], 0.9335 + 0.00125709, 1e-8);
  });

  test('the interval of an accuracy ends at 100%', () => {
    assert.is(summarizeSample([0.9375, 0.8281]).interval![1] > 1, true);
    assert.is(summarizeSample([0.9375, 0.8281], [0, 1]).interval![1], 1);
    assert.is(summarizeSample([0.01, 0.2], [0, 1]).interval![0], 0);
  });

  test('a single value has no spread', () =>
    assert.equal(summarizeSample([0.5]), { count: 1, mean: 0.5, deviation: null, interval: null }));
});

suite('references', (test) => {
  test('of a dataset, the best first', async () => {
    const references = await readReferences('fashion-mnist');
    assert.ok(references.length >= 10);
    const accuracies = references.map(({ testAccuracy }) => testAccuracy);
    assert.equal(
      accuracies,
      [...accuracies].sort((a, b) => b - a),
    );
    assert.ok(references.every(({ dataset, source }) => dataset === 'fashion-mnist' && source !== ''));
    assert.equal(await readReferences('fixture'), []);
  });

  test('a published number is matched where the interval contains it', () => {
    const sample = { count: 5, mean: 0.93, deviation: 0.01, interval: [0.92, 0.94] } as const;
    assert.is(judge(sample, 0.919), 'above');
    assert.is(judge(sample, 0.92), 'matched');
    assert.is(judge(sample, 0.94), 'matched');
    assert.is(judge(sample, 0.941), 'below');
    const single = { ...sample, count: 1, interval: null };
    assert.is(judge(single, 0.92), 'above');
    assert.is(judge(single, 0.93), 'matched');
    assert.is(judge(single, 0.95), 'below');
  });

  test('files that are wrong', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'references.json');
      const read = () => readReferences('mnist', path);
      await rejects(read(), DataError, /references\.json: cannot be read: there is no such file$/);
      const reference = { dataset: 'mnist', model: 'm', source: 's', testAccuracy: 101 };
      writeFileSync(path, JSON.stringify({ about: 'a', references: [reference] }));
      await rejects(read(), DataError, /references\[0\]\.testAccuracy must be a number from 0 to 100: /);
    }));
});

suite('history', (test) => {
  const record = {
    epoch: 1,
    step: 4,
    loss: 0.5,
    accuracy: 0.75,
    learningRate: 0.01,
    seconds: 2,
    imagesPerSecond: 30,
  };

  test('lines and back; a line without an end is left out', () => {
    const text = historyLines([record, { ...record, epoch: 2 }]);
    assert.equal(parseHistory(text, 'h'), [record, { ...record, epoch: 2 }]);
    assert.equal(parseHistory(`${text}{"epoch":3`, 'h'), [record, { ...record, epoch: 2 }]);
  });

  test('a table, with what records hold beside the usual', () => {
    const extra = { ...record, epoch: 2, validationLoss: 0.25, note: 'a "b", c' };
    assert.is(
      historyTable([record, extra]),
      'epoch,step,loss,accuracy,validationLoss,validationAccuracy,learningRate,seconds,imagesPerSecond,note\r\n' +
        '1,4,0.5,0.75,,,0.01,2,30,\r\n2,4,0.5,0.75,0.25,,0.01,2,30,"a ""b"", c"\r\n',
    );
  });
});

suite('files of a run', (test) => {
  test('a file is made once, however many try, and no other stays', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'config.json');
      const made = await Promise.all(Array.from({ length: 8 }, (_, i) => createWhole(path, `${i}`)));
      assert.is(made.filter(Boolean).length, 1);
      assert.is(readFileSync(path, 'utf8'), String(made.indexOf(true)));
      assert.equal(readdirSync(folder), ['config.json']);
      await rejects(
        createWhole(join(folder, 'gone/config.json'), ''),
        ModelError,
        /config\.json: cannot be written: ENOENT: no such file or directory$/,
      );
    }));

  test('leftovers of a process that was killed go, other files stay', () =>
    inFolder(async (folder) => {
      const gone = ['.result.json.1-2.tmp', '.lock.json.1-2.tmp', '.probe-12'];
      const names = [...gone, '.lock.json.3-4.tmp', '.hidden', 'result.json'];
      for (const name of names) writeFileSync(join(folder, name), '');
      // of a process that is there, and may be asking for the lock
      const holder = JSON.stringify({ pid: process.pid, host: hostname() });
      writeFileSync(join(folder, '.lock.json.3-4.tmp'), holder);
      await removeLeftovers(folder);
      assert.equal(readdirSync(folder).sort(), names.slice(gone.length).sort());
      await removeLeftovers(join(folder, 'gone'));
    }));

  test('JSON that is none, or cannot be read', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'result.json');
      assert.is(await readJson(path), undefined);
      writeFileSync(path, '{');
      await rejects(readJson(path), DataError, /result\.json: is not JSON$/);
      await rejects(readJson(folder), DataError, /: cannot be read: EISDIR: it is a folder/);
      writeFileSync(path, '{}');
      await rejects(
        readResult(folder),
        DataError,
        /result\.json\.backend must be a text of 1 to 4096 characters: none$/,
      );
      writeFileSync(join(folder, 'config.json'), '{}');
      await rejects(readConfig(folder), ModelError, /config\.json: not the configuration of a run$/);
      const config = { version: 2, settings: {}, data: {}, arguments: {} };
      writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
      await rejects(
        readConfig(folder),
        ModelError,
        /config\.json: a run of version 2, this Quern reads version 1$/,
      );
      // readRun reads all at once: only one file may be wrong
      rmSync(path);
      const sound = join(import.meta.dirname, '../../../test/fixtures/v0.1/runs/finished/config.json');
      cpSync(sound, join(folder, 'config.json'));
      writeFileSync(join(folder, 'history.jsonl'), '{\n');
      await rejects(readRun(folder), DataError, /history\.jsonl: line 1: is not JSON$/);
      rmSync(join(folder, 'history.jsonl'));
      mkdirSync(join(folder, 'history.jsonl'));
      await rejects(readRun(folder), DataError, /history\.jsonl: cannot be read: EISDIR: /);
    }));

  test('versions and machine', () => {
    const { versions, machine } = describeSystem();
    assert.match(versions.quern, /^\d+\.\d+\.\d+/);
    assert.is(versions.node, process.versions.node);
    assert.ok(machine.processors >= 1);
  });
});

suite('the lock of a run', (test) => {
  test('one process at a time', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'lock.json');
      const unlock = await takeLock(folder);
      assert.is((await holderOf(folder))!.pid, process.pid);
      await rejects(
        takeLock(folder),
        UsageError,
        new RegExp(
          `: another process is training it: ${process.pid} on .*\\n {2}If it is gone, delete .*lock\\.json\\.$`,
        ),
      );
      await unlock();
      assert.not(existsSync(path));
      assert.is(await holderOf(folder), undefined);
    }));

  test('what is left of a process that is gone is taken over', () =>
    inFolder(async (folder) => {
      const host = hostname();
      // no such process; a number that another process has now; half of nothing
      for (const left of [{ pid: 2 ** 22 + 1, host }, { pid: process.pid, host, began: '1' }, {}]) {
        // the second can be told on systems with /proc alone
        if ('began' in left && process.platform !== 'linux') continue;
        writeFileSync(join(folder, 'lock.json'), JSON.stringify(left));
        assert.is(await holderOf(folder), undefined);
        await (await takeLock(folder))();
        assert.equal(readdirSync(folder), []);
      }
    }));

  test('of another machine nobody can tell', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: 1, host: 'elsewhere' }));
      await rejects(takeLock(folder), UsageError, /another process is training it: 1 on elsewhere\n/);
    }));

  test('for a moment: who else has it is waited for', () =>
    inFolder(async (folder) => {
      const done: number[] = [];
      const append = (number: number) =>
        withLock(folder, async () => {
          done.push(number);
          await new Promise((resolve) => setTimeout(resolve, 20));
          done.push(number);
        });
      await Promise.all([append(1), append(2)]);
      assert.is(done[0], done[1]);
      assert.is(done[2], done[3]);
      assert.equal(readdirSync(folder), []);
    }));

  test('several processes have a folder together; what one that was killed has left does not count', () =>
    inFolder(async (folder) => {
      const [first, second] = [await shareLock(folder), await shareLock(folder)];
      assert.equal(
        (await sharersOf(folder)).map(({ pid }) => pid),
        [process.pid, process.pid],
      );
      await first();
      const left = join(folder, '.lock-left.json');
      writeFileSync(left, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
      assert.is((await sharersOf(folder)).length, 1);
      await removeDeadShares(folder);
      assert.not(existsSync(left));
      await second();
      assert.equal(readdirSync(folder), []);
    }));

  test('a folder that cannot be written', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'run'));
      await rejects(takeLock(join(folder, 'gone')), ModelError, /lock\.json: cannot be written: ENOENT/);
    }));
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';

/** Bytes of the room for new objects after many were made and kept, in a process of its own. */
async function roomOfYoungObjects(before: string): Promise<number> {
  const code = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepYoungObjectsFew } from ${JSON.stringify(new URL('../../../src/cli/loading.js', import.meta.url).href)};
    ${before}
    const kept = Array.from({ length: 1e6 }, (_, index) => ({ index }));
    const room = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    console.log(room.space_size, kept.length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  return Number(stdout.split(' ')[0]);
}

suite('cli: memory of the process', (test) => {
  test('the room for new objects stays as it begins, where it would grow', async () => {
    const [few, usual] = await Promise.all([
      roomOfYoungObjects('keepYoungObjectsFew();'),
      roomOfYoungObjects(''),
    ]);
    assert.ok(few <= 2 ** 22, `${few} bytes`);
    assert.ok(usual > few, `${usual} bytes otherwise, ${few} so`);
  });
});

import type { SweepRecord } from '../../sweep/record.js';
export async function renderSweep(record: SweepRecord): Promise<string> {
  return JSON.stringify(record);
}

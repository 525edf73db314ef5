/** Lighthouse looks at the page as a telephone has it: the median of five for each category. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const categories = ['performance', 'accessibility', 'best-practices'] as const;
const audits = ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time'] as const;
const runs = 5;

interface Found {
  readonly lighthouseVersion: string;
  readonly categories: Readonly<Record<string, { readonly score: number }>>;
  readonly audits: Readonly<
    Record<string, { readonly numericValue?: number; readonly score: number | null; readonly title: string }>
  >;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function look(folder: string, chromium: string, url: string): Promise<Found> {
  const script = join(folder, 'node_modules/lighthouse/cli/index.js');
  const words = ['--output=json', '--quiet', `--only-categories=${categories.join()}`];
  const flags = '--chrome-flags=--headless=new --no-sandbox --disable-gpu';
  const { stdout } = await promisify(execFile)(process.execPath, [script, url, ...words, flags], {
    env: { ...process.env, CHROME_PATH: chromium },
    maxBuffer: 2 ** 27,
  });
  return JSON.parse(stdout) as Found;
}

/**
 * Prints the scores. Lighthouse is no dependency: it is looked for in the folder that LIGHTHOUSE names.
 *
 * @throws Error where there is none
 */
export async function lighthouse(chromium: string, url: string): Promise<void> {
  const folder = process.env.LIGHTHOUSE;
  if (folder === undefined)
    throw new Error('LIGHTHOUSE must name a folder in which `npm install lighthouse@12` was run');
  const found: Found[] = [];
  for (let i = 0; i < runs; i++) found.push(await look(folder, chromium, url));
  const scores = (category: string) =>
    found.map((one) => Math.round(100 * (one.categories[category]?.score ?? 0)));
  console.log(`Lighthouse ${found[0]!.lighthouseVersion}, mobile, ${runs} runs`);
  for (const category of categories)
    console.log(`${category}: ${median(scores(category))} (${scores(category).join(', ')})`);
  for (const audit of audits) {
    const values = found.map((one) => one.audits[audit]?.numericValue ?? Number.NaN);
    console.log(`${audit}: ${median(values).toFixed(0)} ms`);
  }
  const failed = Object.entries(found[0]!.audits).filter(([, { score }]) => score !== null && score < 0.9);
  console.log(`below 90 in the first: ${failed.map(([name]) => name).join(', ') || 'none'}`);
}

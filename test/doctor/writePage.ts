/** Measures every backend and mode and writes docs/accuracy-of-kernels.md: `node dist/test/doctor/writePage.js`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { browserModes, measureHere, measureInBrowser, nodeModes } from './accuracyModes.js';
import type { AccuracyResult } from './accuracyRuns.js';
import { accuracyPage, pagePath } from './accuracyTable.js';

const chromium = findChromium();
if (chromium === undefined) throw new Error(noChromium);

const measured = new Map<string, AccuracyResult>();
for (const [name, options] of Object.entries(nodeModes)) measured.set(name, await measureHere(options));
for (const mode of Object.keys(browserModes) as (keyof typeof browserModes)[]) {
  measured.set(`gpu ${mode}`, await measureInBrowser(chromium, mode));
}
writeFileSync(join(import.meta.dirname, '../../..', pagePath), accuracyPage(measured));
console.log(`written: ${pagePath}`);

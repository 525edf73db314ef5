/** A worker of the test page: does one task. */
import { perform, type Task } from './task.js';

globalThis.onmessage = async ({ data }: MessageEvent<Task>) => postMessage(await perform(data));

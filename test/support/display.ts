/** An X server for tests of headless-gl: the one that DISPLAY names, or Xvfb for as long as this process lives. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Sees to it that DISPLAY names an X server, where there is Xvfb; where there is none, headless-gl says so itself. */
export async function provideTestDisplay(): Promise<void> {
  if (process.env.DISPLAY) return;
  // it takes a free number, and writes it to descriptor 3 once it is ready
  const words = ['-displayfd', '3', '-noreset', '-nolisten', 'tcp', '-screen', '0', '640x480x24'];
  const server = spawn('Xvfb', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const told = server.stdio[3] as Readable;
  const display = await new Promise<string | undefined>((resolve) => {
    server.on('error', () => resolve(undefined));
    server.on('exit', () => resolve(undefined));
    // in two pieces; whoever stops to listen after the first ends it
    let text = '';
    told.on('data', (chunk) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(`:${text.trim()}`);
    });
  });
  if (display === undefined) return;
  told.destroy();
  server.unref();
  process.on('exit', () => server.kill());
  process.env.DISPLAY = display;
}

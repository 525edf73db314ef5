/** A picture in the terminal that is drawn over itself; its last one stays. */
import type { WriteStream } from 'node:tty';

export class Live {
  private lines = 0;

  constructor(private readonly stream: WriteStream = process.stderr) {}

  get size(): { readonly width: number; readonly height: number } {
    return { width: (this.stream.columns || 80) - 1, height: this.stream.rows || 24 };
  }

  /** Draws over what was drawn before. */
  draw(text: string): void {
    const lines = text.split('\n');
    const up = this.lines === 0 ? '' : `\u001b[${this.lines}A\r`;
    this.stream.write(`${up}\u001b[J${lines.join('\n')}\n`);
    this.lines = lines.length;
  }

  /** Takes the picture away, for lines that stay. */
  clear(): void {
    if (this.lines > 0) this.stream.write(`\u001b[${this.lines}A\r\u001b[J`);
    this.lines = 0;
  }

  /** Leaves the picture where it is. */
  keep(): void {
    this.lines = 0;
  }
}

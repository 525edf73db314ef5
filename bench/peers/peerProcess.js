/** A peer that runs as a process of its own: see protocol.js for what is said. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where the scripts lie beside their packages: this folder, or a copy of it that PEERS names. */
const own = fileURLToPath(new URL('.', import.meta.url));
const home = process.env.PEERS ?? own;

/** Thrown when a peer ends in the middle of a run. */
export class PeerEnded extends Error {
  constructor(peer, reason) {
    super(`${peer.title} ended: ${reason}`);
    this.peer = peer;
    this.reason = reason;
  }
}

export class PeerProcess {
  #child;
  #answers;
  #complaint = '';

  /** @param images the folder with the images, or '': random ones */
  constructor({ name, variant, command, javascript = false, epochs = false }, model, { threads, images }) {
    this.name = name;
    this.variant = variant;
    this.epochs = epochs;
    this.title = variant === '' ? name : `${name} ${variant}`;
    this.javascript = javascript;
    const [program, script] = command;
    const folder = name === 'Quern' ? own : home;
    this.#child = spawn(program, [join(folder, script), model, variant || 'default', String(threads)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONUNBUFFERED: '1', PEER_IMAGES: images },
    });
    // a program that is not there tells by this event alone
    this.#child.on('error', (error) => {
      this.#complaint += `${error.message}\n`;
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk) => {
      this.#complaint += chunk;
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line of JSON; what a library prints beside it is passed over. */
  async #answer() {
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done) throw new PeerEnded(this, this.#complaint.trim().split('\n').at(-1) || 'without a word');
      if (value.startsWith('{"')) return JSON.parse(value);
    }
  }

  /** Waits until the peer can train; gives undefined, or the reason why it cannot. */
  async start() {
    try {
      const { ready, unavailable } = await this.#answer();
      this.version = ready?.version;
      this.settings = ready?.settings;
      return unavailable;
    } catch (error) {
      if (error instanceof PeerEnded) return error.reason;
      throw error;
    }
  }

  /** Trains some batches, or an epoch where it trains only these; gives how many batches that were. */
  async run(steps) {
    this.#child.stdin.write(`${steps}\n`);
    const { done, loss } = await this.#answer();
    this.loss = loss;
    return done;
  }

  /** Lets the peer end; kills it if it does not. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    this.#child.stdin.end();
    await ended;
    clearTimeout(kill);
  }
}

"""The side of a peer in the conversation with run.js: see protocol.js."""

import json
import os
import queue
import sys
import threading

import numpy as np

BATCH = 128
COUNT = 60_000


def training_images():
    """Images, uint8 [count, 28, 28, 1], and labels, int64 [count]: as in protocol.js."""
    folder = os.environ.get("PEER_IMAGES")
    if folder:
        read = lambda name: np.fromfile(os.path.join(folder, name), np.uint8)
        return read("images").reshape(COUNT, 28, 28, 1), read("labels").astype(np.int64)
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (COUNT, 28, 28, 1), dtype=np.uint8)
    return images, generator.integers(0, 10, COUNT)


class Batches:
    """Indices of one batch after another, in an order that is drawn once."""

    def __init__(self):
        self.order = np.random.default_rng(2).permutation(COUNT)[: COUNT // BATCH * BATCH]
        self.at = 0

    def take(self, steps):
        """int64 [steps, batch]"""
        total = steps * BATCH
        while self.at + total > len(self.order):
            if total > len(self.order):
                self.order = np.tile(self.order, 2)
            else:
                self.at = 0
        self.at += total
        return self.order[self.at - total : self.at].reshape(steps, BATCH)


class Epochs:
    """The steps of what trains whole epochs in one call, as users call it: it waits before each until it is asked for."""

    # batches of an epoch; the last one is smaller
    done = COUNT / BATCH

    def __init__(self, fit):
        """fit(begin, end) trains for ever: it calls begin() before each epoch, end(loss) after it."""
        self.wanted = threading.Semaphore(0)
        self.losses = queue.Queue()
        threading.Thread(target=fit, args=(self.wanted.acquire, self.losses.put), daemon=True).start()

    def __call__(self, count):
        self.wanted.release()
        return self.losses.get()


def serve(prepare):
    """prepare(model, variant, threads) gives (version, settings, steps); steps(n) trains n batches, gives a loss."""
    answers = sys.stdout
    # what libraries print is no answer
    sys.stdout = sys.stderr

    def say(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    model, variant, threads = sys.argv[1:4]
    try:
        version, settings, steps = prepare(model, variant, int(threads))
        steps(1)
    except Exception as error:  # whatever it is, it is the reason
        reason = f"{type(error).__name__}: {error}".strip().split("\n")[0]
        say({"unavailable": reason})
        return
    say({"ready": {"version": version, "settings": settings}})
    for line in sys.stdin:
        loss = steps(int(line))
        say({"done": getattr(steps, "done", int(line)), "loss": float(loss)})

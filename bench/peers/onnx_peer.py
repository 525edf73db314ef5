"""ONNX Runtime on the CPU, as protocol.js: arguments are a file of the model, the batch, threads; a step is one run."""

import sys

import numpy as np
import onnxruntime

from protocol import serve, training_images


def prepare(path, batch, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = training_images()[0][: int(batch)].copy()

    def steps(count):
        for _ in range(count):
            (found,) = session.run(["probabilities"], {"images": images})
        return found[0, 0]

    return onnxruntime.__version__, "CPUExecutionProvider", steps


serve(prepare)

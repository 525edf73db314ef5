"""A Keras script as one is usually written: trains the network of a recipe, evaluates it, prints a line of JSON."""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_models import build

recipe, epochs, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)


def load(split):
    read = lambda what: np.fromfile(os.path.join(os.environ["PEER_IMAGES"], f"{split}.{what}"), np.uint8)
    images = read("images").reshape(-1, 28, 28, 1).astype(np.float32) / 255
    return images, read("labels").astype(np.int64)


images, labels = load("train")
model, batch, rate = {"mnist-mlp": ("mlp", 64, 0.002), "fashion-cnn": ("fashion-cnn", 128, 0.0015)}[recipe]
net = build(model)
net.compile(
    optimizer=keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(images) // batch))
    ),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
net.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0)
loss, accuracy = net.evaluate(*load("test"), batch_size=batch, verbose=0)
print(json.dumps({"testAccuracy": float(accuracy)}), flush=True)

"""TensorFlow on the CPU: a tf.function of several steps, with and without XLA; Keras fit, with and without XLA."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from keras_models import build
from protocol import BATCH, Batches, Epochs, training_images, serve

# Steps in one call of the function, or one execution of fit: what Python costs is divided by it.
GROUP = 16


def limit_threads(threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def graph_steps(model, xla):
    net = build(model)
    optimizer = keras.optimizers.Adam(0.001)
    optimizer.build(net.trainable_variables)
    pixels, classes = training_images()
    images, labels = tf.constant(pixels), tf.constant(classes, tf.int32)

    def step(indices):
        chosen = tf.cast(tf.gather(images, indices), tf.float32) * (1 / 255)
        with tf.GradientTape() as tape:
            logits = net(chosen, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(labels, indices), logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, net.trainable_variables)
        optimizer.apply(gradients, net.trainable_variables)
        return loss

    @tf.function(jit_compile=xla)
    def one(indices):
        return step(indices)

    @tf.function(jit_compile=xla)
    def several(groups):
        loss = tf.constant(0.0)
        for i in tf.range(GROUP):
            loss = step(groups[i])
        return loss

    batches = Batches()

    def steps(count):
        indices = tf.constant(batches.take(count), tf.int32)
        whole = count // GROUP
        for i in range(whole):
            loss = several(indices[i * GROUP : (i + 1) * GROUP])
        for i in range(whole * GROUP, count):
            loss = one(indices[i])
        return loss.numpy()

    # both are traced and compiled before anything is measured
    steps(GROUP + 1)
    return steps


class Pauses(keras.callbacks.Callback):
    """Waits before each epoch of fit until it is asked for."""

    def __init__(self, begin, end):
        super().__init__()
        self.begin, self.end = begin, end

    def on_epoch_begin(self, epoch, logs=None):
        self.begin()

    def on_epoch_end(self, epoch, logs=None):
        self.end(logs["loss"])


def fit_epochs(model, xla, group):
    """fit as users call it, images normalized before."""
    net = build(model)
    net.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=xla,
        steps_per_execution=group,
    )
    pixels, classes = training_images()
    images = pixels.astype(np.float32) * np.float32(1 / 255)

    def fit(begin, end):
        pauses = Pauses(begin, end)
        net.fit(images, classes, batch_size=BATCH, epochs=1_000_000, verbose=0, callbacks=[pauses])

    return Epochs(fit)


def prepare(model, variant, threads):
    limit_threads(threads)
    keras.utils.set_random_seed(0)
    xla = variant.endswith("xla")
    if variant.startswith("fit"):
        group = GROUP if "16" in variant else 1
        settings = "Keras fit" + (f", {group} steps per execution" if group > 1 else "")
        steps = fit_epochs(model, xla, group)
    else:
        settings = f"tf.function of {GROUP} steps"
        steps = graph_steps(model, xla)
    version = f"{tf.__version__} with Keras {keras.__version__}"
    return version, settings + (", jit_compile" if xla else ""), steps


serve(prepare)

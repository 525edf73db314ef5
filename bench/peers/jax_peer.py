"""JAX on the CPU: one jit of a lax.scan over several steps, whose state is donated."""

import os
import sys

# before JAX is loaded: its threads are chosen then
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + f" --xla_cpu_multi_thread_eigen={'false' if sys.argv[3] == '1' else 'true'}"
)

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from protocol import Batches, serve, training_images

# Steps in one call: what Python costs is divided by it.
GROUP = 16


def uniform(key, shape, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    return jax.random.uniform(key, shape, jnp.float32, -limit, limit)


def initial(model, key):
    keys = jax.random.split(key, 4)
    dense = lambda key, inputs, outputs: (uniform(key, (inputs, outputs), inputs, outputs), jnp.zeros(outputs))
    if model == "mlp":
        return [dense(keys[0], 784, 128), dense(keys[1], 128, 128), dense(keys[2], 128, 10)]
    conv = lambda key, inputs, outputs: (
        uniform(key, (3, 3, inputs, outputs), 9 * inputs, 9 * outputs),
        jnp.zeros(outputs),
    )
    features = 64 * 7 * 7 if model == "fashion-cnn" else 64 * 5 * 5
    return [conv(keys[0], 1, 32), conv(keys[1], 32, 64), dense(keys[2], features, 128), dense(keys[3], 128, 10)]


def drop(x, rate, key):
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def logits(model, weights, images, key):
    if model == "mlp":
        x = images.reshape(len(images), -1)
        for w, b in weights[:-1]:
            x = jax.nn.relu(x @ w + b)
    else:
        x = images
        padding = "SAME" if model == "fashion-cnn" else "VALID"
        for w, b in weights[:2]:
            x = lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + b)
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        first, second = jax.random.split(key)
        x = drop(x, 0.25, first).reshape(len(images), -1)
        w, b = weights[2]
        x = drop(jax.nn.relu(x @ w + b), 0.5, second)
    w, b = weights[-1]
    return x @ w + b


def prepare(model, variant, threads):
    if threads == 1:
        os.sched_setaffinity(0, {next(iter(os.sched_getaffinity(0)))})
    pixels, classes = training_images()
    images, labels = jnp.asarray(pixels), jnp.asarray(classes, jnp.int32)
    weights = initial(model, jax.random.key(0))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.int32))

    def loss_of(weights, images, labels, key):
        scores = jax.nn.log_softmax(logits(model, weights, images, key))
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    def step(state, indices, images, labels):
        weights, m, v, count = state
        chosen = images[indices].astype(jnp.float32) * (1 / 255)
        key = jax.random.fold_in(jax.random.key(1), count)
        loss, g = jax.value_and_grad(loss_of)(weights, chosen, labels[indices], key)
        count = count + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, m, v)
        return (weights, m, v, count), loss

    @jax.jit
    def one(state, indices, images, labels):
        return step(state, indices, images, labels)

    def scan(state, groups, images, labels):
        state, losses = lax.scan(lambda state, indices: step(state, indices, images, labels), state, groups)
        return state, losses[-1]

    several = jax.jit(scan, donate_argnums=0)
    batches = Batches()

    def steps(count):
        nonlocal state
        indices = batches.take(count).astype(np.int32)
        whole = count // GROUP
        for i in range(whole):
            state, loss = several(state, indices[i * GROUP : (i + 1) * GROUP], images, labels)
        for i in range(whole * GROUP, count):
            state, loss = one(state, indices[i], images, labels)
        return float(loss)

    # both are compiled before anything is measured
    steps(GROUP + 1)
    return jax.__version__, f"jit of a lax.scan over {GROUP} steps, donated state", steps


serve(prepare)

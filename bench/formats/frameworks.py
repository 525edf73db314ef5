"""What ONNX Runtime, Keras 3 and PyTorch 2 make of the files that run.ts has exported, and models of their own for the way in.

    python frameworks.py FOLDER own MODEL onnx,keras,pytorch    reads FOLDER/MODEL/…, writes logits and what the frameworks save themselves
    python frameworks.py FOLDER foreign MODEL                   trains a model that Quern did not write, with its logits
    python frameworks.py FOLDER list                            names the latter, a line each

FOLDER/images.u8 and labels.u8 are the test images, train-images.u8 and train-labels.u8 what is trained on.
Packages: torch tensorflow onnx onnxruntime onnxscript safetensors numpy.
"""
import importlib.util
import json
import os
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")
import keras
import numpy as np
import onnx
import onnxruntime
import torch
from keras import layers
from torch import nn

folder, what = sys.argv[1], sys.argv[2]
torch.set_num_threads(2)
if what != "list":
    images = np.fromfile(f"{folder}/images.u8", np.uint8).reshape(-1, 28, 28, 1)
    first = torch.from_numpy(images).permute(0, 3, 1, 2)
    labels = np.fromfile(f"{folder}/labels.u8", np.uint8)


def write(path, values):
    np.ascontiguousarray(values, np.float32).tofile(path)


def in_batches(f, x, size=500):
    return np.concatenate([np.asarray(f(x[i : i + size])) for i in range(0, len(x), size)])


def keras_logits(model):
    """Without the softmax at the end."""
    cut = keras.Model(model.inputs, model.layers[-2].output)
    return cut.predict(images.astype("float32"), batch_size=500, verbose=0)


def torch_exports(model, path, example):
    for dynamo in (True, False):
        name = f"{path}.{'dynamo' if dynamo else 'torchscript'}.onnx"
        common = dict(dynamo=dynamo, verbose=False)
        if dynamo:
            common.update(dynamic_shapes=({0: "batch"},), external_data=False)
        else:
            common.update(dynamic_axes={"images": {0: "batch"}}, input_names=["images"])
        torch.onnx.export(model, (example,), name, **common)


def own(name, frameworks):
    base = f"{folder}/{name}"
    if "onnx" in frameworks:
        onnx.checker.check_model(onnx.load(f"{base}/model.onnx"), full_check=True)
        session = onnxruntime.InferenceSession(f"{base}/model.onnx")
        write(f"{base}/onnx.f32", in_batches(lambda x: session.run(["logits"], {"images": x})[0], images))
    if "keras" in frameworks:
        model = keras.models.load_model(f"{base}/model.keras")
        write(f"{base}/keras.f32", keras_logits(model))
        model.save(f"{base}/again.keras")
        model.save(f"{base}/again.h5")
        for weight in model.weights:
            weight.assign(weight * 0)
        model.load_weights(f"{base}/model.weights.h5")
        write(f"{base}/keras-weights.f32", keras_logits(model))
    if "pytorch" in frameworks:
        spec = importlib.util.spec_from_file_location("exported", f"{base}/model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch_model = module.load(f"{base}/model.safetensors")
        with torch.no_grad():
            write(f"{base}/pytorch.f32", in_batches(lambda x: torch_model(x).numpy(), first))
        torch.save(torch_model.state_dict(), f"{base}/again.pt")
        checkpoint = {"epoch": 1, "model_state_dict": torch_model.state_dict()}
        torch.save(checkpoint, f"{base}/again-legacy.pt", _use_new_zipfile_serialization=False)
        torch_exports(torch_model, f"{base}/again", first[:2])


def seed_mlp():
    """Two wide layers with dropout over rows of numbers, as scripts for MNIST have them."""
    return keras.Sequential(
        [
            layers.Dense(512, activation="relu", input_shape=(784,)),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


def seed_cnn():
    """Two convolutions, two pools, dropout, as scripts for Fashion-MNIST have them."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mnist_convnet():
    """keras.io/examples/vision/mnist_convnet"""
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def toy_resnet():
    """keras.io/guides/functional_api ("A toy ResNet model"), for images of 28 by 28, normalized behind each convolution."""
    inputs = keras.Input(shape=(28, 28, 1), name="img")

    def block(x):
        y = layers.BatchNormalization()(layers.Conv2D(64, 3, activation="relu", padding="same")(x))
        y = layers.BatchNormalization()(layers.Conv2D(64, 3, activation="relu", padding="same")(y))
        return layers.add([y, x])

    x = layers.Conv2D(32, 3, activation="relu")(inputs)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = block(block(layers.MaxPooling2D(3)(x)))
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.5)(layers.Dense(256, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="toy_resnet")


def small_xception():
    """keras.io/examples/vision/image_classification_from_scratch (make_model), a quarter as wide, images of 28 by 28, 10 classes."""
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.Conv2D(32, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    previous_block_activation = x
    for size in [64, 128]:
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(size, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(size, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        residual = layers.Conv2D(size, 1, strides=2, padding="same")(previous_block_activation)
        x = layers.add([x, residual])
        previous_block_activation = x
    x = layers.SeparableConv2D(256, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.25)(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def conv_mixer():
    """keras.io/examples/vision/convmixer (get_conv_mixer_256_8), depth 2, 64 filters, for images of 28 by 28."""

    def activation_block(x):
        x = layers.Activation("gelu")(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((28, 28, 1))
    x = layers.Rescaling(scale=1.0 / 255)(inputs)
    x = activation_block(layers.Conv2D(64, kernel_size=2, strides=2)(x))
    for _ in range(2):
        x0 = x
        x = layers.DepthwiseConv2D(kernel_size=5, padding="same")(x)
        x = layers.Add()([activation_block(x), x0])
        x = activation_block(layers.Conv2D(64, kernel_size=1)(x))
    x = layers.GlobalAvgPool2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


class Block(nn.Module):
    """As torchvision's BasicBlock."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + identity)


class ResNet(nn.Module):
    """A small one, as torchvision's: it flattens by torch.flatten, normalizes by MNIST's mean and deviation outside."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(32, 10)

    def forward(self, images):
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        x = self.avgpool(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(x, 1))


# what it is fed with, None where it scales bytes itself; whether an image is a row of numbers
KERAS = {
    "seed_mlp": (seed_mlp, "0..1", True),
    "seed_cnn": (seed_cnn, "0..1", False),
    "mnist_convnet": (mnist_convnet, "0..1", False),
    "toy_resnet": (toy_resnet, "0..1", False),
    "small_xception": (small_xception, None, False),
    "conv_mixer": (conv_mixer, None, False),
}


def train_images():
    read = lambda file: np.fromfile(f"{folder}/{file}.u8", np.uint8)
    return read("train-images").reshape(-1, 28, 28, 1), read("train-labels")


def foreign_keras(name):
    train, train_labels = train_images()
    keras.utils.set_random_seed(1)
    build, pixels, rows = KERAS[name]
    scale = 1 if pixels is None else 255
    shaped = lambda x: (x.reshape(len(x), -1) if rows else x).astype("float32") / scale
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(shaped(train), train_labels, batch_size=64, epochs=1, verbose=0)
    base = f"{folder}/{name}"
    model.save(f"{base}/model.keras")
    model.save(f"{base}/model.h5")
    probabilities = model.predict(shaped(images), batch_size=500, verbose=0)
    write(f"{base}/probabilities.f32", probabilities)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    return {"files": ["model.keras", "model.h5"], "pixels": pixels, "accuracy": accuracy, "output": "probabilities"}


def foreign_torch(name):
    train, train_labels = train_images()
    torch.manual_seed(1)
    model, mean, deviation = ResNet(), 0.1307, 0.3081
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    scaled = lambda x: (torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255 - mean) / deviation
    for start in range(0, len(train), 64):
        loss = nn.functional.cross_entropy(model(scaled(train[start : start + 64])), torch.from_numpy(train_labels[start : start + 64]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    base = f"{folder}/{name}"
    with torch.no_grad():
        logits = in_batches(lambda x: model(scaled(x)).numpy(), images)
    write(f"{base}/logits.f32", logits)
    torch_exports(model, f"{base}/model", scaled(images[:2]))
    accuracy = float((logits.argmax(1) == labels).mean())
    files = ["model.dynamo.onnx", "model.torchscript.onnx"]
    return {"files": files, "pixels": f"{mean},{deviation}", "accuracy": accuracy, "output": "logits"}


FOREIGN = {**{name: foreign_keras for name in KERAS}, "torch_resnet": foreign_torch}


def foreign(name):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    json.dump(FOREIGN[name](name), open(f"{folder}/{name}/foreign.json", "w"))


if what == "list":
    print("\n".join(FOREIGN))
elif what == "own":
    own(sys.argv[3], sys.argv[4].split(","))
else:
    foreign(sys.argv[3])

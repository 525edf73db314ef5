"""The models in Keras."""

from keras import layers, models


def residual(x, filters, strides):
    """The basic block of a residual network; its shortcut is a convolution of one pixel."""
    convolve = lambda x, size, strides: layers.BatchNormalization()(
        layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    )
    body = convolve(layers.ReLU()(convolve(x, 3, strides)), 3, 1)
    return layers.ReLU()(layers.Add()([body, convolve(x, 1, strides)]))


def build(model):
    if model == "fashion-resnet":
        images = layers.Input((28, 28, 1))
        x = layers.Conv2D(32, 3, padding="same", use_bias=False)(images)
        x = layers.MaxPooling2D(2)(layers.ReLU()(layers.BatchNormalization()(x)))
        x = residual(residual(x, 64, 1), 128, 2)
        return models.Model(images, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    if model == "mlp":
        return models.Sequential(
            [
                layers.Input((28, 28, 1)),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dense(128, activation="relu"),
                layers.Dense(10),
            ]
        )
    padding = "same" if model == "fashion-cnn" else "valid"
    return models.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding=padding, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding=padding, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )

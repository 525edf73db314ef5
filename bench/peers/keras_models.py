"""The models in Keras."""

from keras import layers, models


def build(model):
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

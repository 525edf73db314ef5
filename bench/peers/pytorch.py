"""PyTorch on the CPU: fused Adam; channels_last for the convolutions; eager, or with torch.compile."""

import torch
from torch import nn
from torch.nn import functional

from protocol import BATCH, Batches, training_images, serve


class Block(nn.Module):
    """The basic block of a residual network; its shortcut is a convolution of one pixel."""

    def __init__(self, given, filters, stride):
        super().__init__()
        convolution = lambda size, channels, step: nn.Conv2d(channels, filters, size, step, size // 2, bias=False)
        self.body = nn.Sequential(
            convolution(3, given, stride),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            convolution(3, filters, 1),
            nn.BatchNorm2d(filters),
        )
        self.shortcut = nn.Sequential(convolution(1, given, stride), nn.BatchNorm2d(filters))

    def forward(self, x):
        return functional.relu(self.body(x) + self.shortcut(x))


def build(model):
    if model == "fashion-resnet":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            Block(32, 64, 1),
            Block(64, 128, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(128, 10),
        )
    if model == "mlp":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
        )
    padding = "same" if model == "fashion-cnn" else "valid"
    features = 64 * 7 * 7 if model == "fashion-cnn" else 64 * 5 * 5
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(features, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def prepare(model, variant, threads):
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    pixels, classes = training_images()
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    labels = torch.from_numpy(classes)
    net = build(model)
    settings = ["fused Adam"]
    if model != "mlp":
        net = net.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
        settings.append("channels_last")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001, fused=True)

    def loss_of(chosen, answers):
        return functional.cross_entropy(net(chosen.float() * (1 / 255)), answers)

    if variant == "compile":
        loss_of = torch.compile(loss_of)
        settings.append("torch.compile")
    elif variant == "compile-autotune":
        loss_of = torch.compile(loss_of, mode="max-autotune")
        settings.append("torch.compile max-autotune")
    batches = Batches()

    def steps(count):
        for indices in torch.from_numpy(batches.take(count)):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(images[indices], labels[indices])
            loss.backward()
            optimizer.step()
        return loss.item()

    assert batches.take(1).shape == (1, BATCH)
    return torch.__version__, ", ".join(settings), steps


serve(prepare)

"""The same work in PyTorch, channels last, written as its users write it."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from experiments.speed import works


class _Generator(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.dense = nn.Linear(100, 7 * 7 * 2 * width)
        self.ups = nn.ModuleList(
            [nn.ConvTranspose2d(2 * width, features, 4, 2, 1) for features in (2 * width, width)]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c in (2 * width, 2 * width, width)])
        self.image = nn.Conv2d(width, 1, 3, 1, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.dense(z).view(len(z), -1, 7, 7).to(memory_format=torch.channels_last)
        x = F.relu(self.norms[0](x))
        for up, norm in zip(self.ups, self.norms[1:], strict=True):
            x = F.relu(norm(up(x)))
        return torch.tanh(self.image(x))


class _Discriminator(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        sizes = ((1, width), (width, 2 * width))
        self.downs = nn.ModuleList([nn.Conv2d(*channels, 4, 2, 1) for channels in sizes])
        self.dense = nn.Linear(7 * 7 * 2 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for down in self.downs:
            x = F.dropout(F.leaky_relu(down(x), 0.2), 0.3)
        return self.dense(x.flatten(1))[:, 0]


def _mlp(*sizes: int) -> nn.Module:
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _dcgan(batch: int, width: int):
    images = torch.from_numpy(works.examples("dcgan").x).permute(0, 3, 1, 2)

    def reals() -> torch.Tensor:
        return images[torch.randint(len(images), (batch,))].float() / 127.5 - 1

    players = (
        module.to(memory_format=torch.channels_last)
        for module in (_Generator(width), _Discriminator(width))
    )
    return *players, 100, (2e-4, 2e-4), reals


def _points(batch: int):
    def reals() -> torch.Tensor:
        angle = 2 * math.pi * torch.randint(8, (batch,)) / 8
        return torch.stack([angle.cos(), angle.sin()], 1) + 0.01 * torch.randn(batch, 2)

    return reals


def _ring(batch: int, width: int):
    return _mlp(16, width, width, 2), _mlp(2, width, width, 1), 16, (1e-3, 1e-4), _points(batch)


class _Maxout(nn.Module):
    def __init__(self, inputs: int, outputs: int, pieces: int = 5):
        super().__init__()
        self.outputs, self.pieces = outputs, pieces
        self.dense = nn.Linear(inputs, outputs * pieces)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(x).view(-1, self.outputs, self.pieces).amax(2)


def _pacgan(batch: int, width: int):
    half, hidden = width // 2, []
    for inputs in (2, width, width, width):
        hidden += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU()]
    maxouts = [_Maxout(inputs, half) for inputs in (2, half, half)]
    generator = nn.Sequential(*hidden, nn.Linear(width, 2))
    discriminator = nn.Sequential(*maxouts, nn.Linear(half, 1))
    return generator, discriminator, 2, (1e-4, 1e-4), _points(batch)


WORKS = {"dcgan": _dcgan, "ring": _ring, "pacgan": _pacgan}


def make_round(work: str, batch: int, width: int):
    """A function that runs one round."""
    generator, discriminator, latent, rates, reals = WORKS[work](batch, width)
    optimizers = [
        torch.optim.Adam(player.parameters(), rate, (0.8 if work == "pacgan" else 0.5, 0.999))
        for player, rate in zip((generator, discriminator), rates, strict=True)
    ]
    average = [p.detach().clone() for p in generator.parameters()]

    def fakes() -> torch.Tensor:
        return generator(torch.randn(batch, latent))

    def discriminator_turn() -> None:
        with torch.no_grad():
            fake = fakes()
        optimizers[1].zero_grad()
        real = F.softplus(-discriminator(reals())).mean()
        (real + F.softplus(discriminator(fake)).mean()).backward()
        optimizers[1].step()

    def generator_turn() -> None:
        discriminator.requires_grad_(False)
        optimizers[0].zero_grad()
        F.softplus(-discriminator(fakes())).mean().backward()
        optimizers[0].step()
        discriminator.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(average, list(generator.parameters()), 1 - works.EMA_DECAY)

    def at_once() -> None:
        fake = fakes()
        optimizers[1].zero_grad()
        real = F.softplus(-discriminator(reals())).mean()
        (real + F.softplus(discriminator(fake.detach())).mean()).backward()
        discriminator.requires_grad_(False)
        optimizers[0].zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        discriminator.requires_grad_(True)
        for optimizer in optimizers:
            optimizer.step()

    def in_turns() -> None:
        discriminator_turn()
        generator_turn()

    return at_once if work == "pacgan" else in_turns

"""ALAD's training step for CIFAR-10, as a practised user of eager PyTorch writes it.

The networks are those of the preset ``cifar10``, spectral normalisation included; channels last in
memory, which PyTorch's convolutions on a processor like best, fused Adam, and no gradient that
nobody uses.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from benchmarks.torch_step import leaky, make_step, synchronise, torch_threads

CHANNELS, Z_DIM, BATCH = 3, 100, 32
WARM_UP = 1


def norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def down(n_in: int, n_out: int, *, normed: bool) -> list[nn.Module]:
    """A convolution of stride 2 under spectral normalisation."""
    conv = spectral_norm(nn.Conv2d(n_in, n_out, 4, 2, 1))
    return [conv, norm(n_out), leaky()] if normed else [conv, leaky()]


def up(n_in: int, n_out: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(n_in, n_out, 4, 2, 1), norm(n_out), nn.ReLU()]


def dense(n_in: int, n_out: int) -> list[nn.Module]:
    return [spectral_norm(nn.Linear(n_in, n_out)), leaky(), nn.Dropout(0.2)]


class JointPair(nn.Module):
    """D_xz: x and z each have an arm of their own before they meet."""

    def __init__(self) -> None:
        super().__init__()
        self.of_x = nn.Sequential(
            *down(CHANNELS, 128, normed=False),
            *down(128, 256, normed=True),
            *down(256, 512, normed=True),
            nn.Flatten(),
        )
        self.of_z = nn.Sequential(*dense(Z_DIM, 512), *dense(512, 512))
        self.joint = nn.Sequential(*dense(8192 + 512, 1024), nn.Linear(1024, 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.joint(torch.cat((self.of_x(x), self.of_z(z)), 1))


def pair_xx() -> nn.Sequential:
    """D_xx, of two pictures one above the other."""
    return nn.Sequential(
        *(spectral_norm(nn.Conv2d(CHANNELS, 64, 5, 2, 2)), leaky(), nn.Dropout(0.2)),
        *(spectral_norm(nn.Conv2d(64, 128, 5, 2, 2)), leaky(), nn.Dropout(0.2)),
        nn.Flatten(),
        nn.Linear(16_384, 1),
    )


class Networks(nn.Module):
    """E, G and the three discriminators."""

    joined = 2  # one picture above the other, for D_xx

    def __init__(self) -> None:
        super().__init__()
        E = nn.Sequential(
            *down(CHANNELS, 128, normed=True),
            *down(128, 256, normed=True),
            *down(256, 512, normed=True),
            nn.Conv2d(512, Z_DIM, 4),
            nn.Flatten(),
        )
        G = nn.Sequential(
            nn.Unflatten(1, (Z_DIM, 1, 1)),
            *(nn.ConvTranspose2d(Z_DIM, 512, 4), norm(512), nn.ReLU()),
            *up(512, 256),
            *up(256, 128),
            *(nn.ConvTranspose2d(128, CHANNELS, 4, 2, 1), nn.Tanh()),
        )
        self.autoencoder = nn.ModuleDict({"E": E, "G": G})
        zz = nn.Sequential(*dense(2 * Z_DIM, 64), *dense(64, 32), nn.Linear(32, 1))
        self.D = nn.ModuleDict({"xz": JointPair(), "xx": pair_xx(), "zz": zz})

    def forgeries(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """E(x), G(z), G(E(x)) and E(G(z)): a call each, for batch norm must not mix them."""
        E, G = self.autoencoder["E"], self.autoencoder["G"]
        z_of_x, x_of_z = E(x), G(z)
        return z_of_x, x_of_z, G(z_of_x), E(x_of_z)


def time_steps(
    n_steps: int, pictures: np.ndarray, threads: int | None = None, device: str = "cpu"
) -> float:
    """Seconds per step after a warm-up, with the pictures already on the device."""
    torch.manual_seed(0)
    nets = Networks().to(device).to(memory_format=torch.channels_last)
    step = make_step(nets, 2e-4, Z_DIM)
    rows = torch.as_tensor(pictures, device=device).permute(0, 3, 1, 2).float() / 127.5 - 1
    rows = rows.contiguous(memory_format=torch.channels_last)
    with torch_threads(threads):
        for count in (WARM_UP, n_steps):
            synchronise(device)
            start = time.perf_counter()
            for _ in range(count):
                step(*(rows[torch.randint(len(rows), (BATCH,), device=device)] for _ in range(2)))
            synchronise(device)
    return (time.perf_counter() - start) / n_steps

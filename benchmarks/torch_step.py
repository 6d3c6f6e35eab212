"""ALAD's training step on the KDD99 preset, as a practised user of eager PyTorch writes it.

The peer that the project's own step is timed against, so it is meant to be fast: fused Adam,
multi-tensor weight averages, no gradient that nobody uses, two batches through one network
joined into one call where batch norm allows it (15 % less time than a call each), and no value
read back inside the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

Step = Callable[[Tensor, Tensor], None]

X_DIM, Z_DIM, BATCH = 121, 32, 50
DECAY = 0.999
WARM_UP = 50


def mlp(*widths: int, activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Dense layers with ``activation`` between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


def leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)


class PairXZ(nn.Module):
    """D_xz: x and z each have a layer of their own before they meet."""

    def __init__(self) -> None:
        super().__init__()
        self.of_x = nn.Sequential(
            nn.Linear(X_DIM, 128),
            # PyTorch's momentum is the weight of the new batch: 1 - 0.99.
            nn.BatchNorm1d(128, eps=1e-3, momentum=0.01),
            leaky(),
        )
        self.of_z = nn.Sequential(nn.Linear(Z_DIM, 128), leaky(), nn.Dropout(0.5))
        self.joint = nn.Sequential(nn.Linear(256, 128), leaky(), nn.Dropout(0.5), nn.Linear(128, 1))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.joint(torch.cat((self.of_x(x), self.of_z(z)), 1))


def pair(width: int, hidden: int) -> nn.Sequential:
    """D_xx and D_zz: a pair laid side by side, one hidden layer, one logit."""
    return nn.Sequential(
        nn.Linear(2 * width, hidden), leaky(), nn.Dropout(0.2), nn.Linear(hidden, 1)
    )


class Networks(nn.Module):
    """E, G and the three discriminators, Xavier weights and zero biases."""

    joined = 1  # the axis along which D_xx's pairs are laid

    def __init__(self) -> None:
        super().__init__()
        self.autoencoder = nn.ModuleDict(
            {
                "E": mlp(X_DIM, 64, Z_DIM, activation=leaky),
                "G": mlp(Z_DIM, 64, 128, X_DIM, activation=nn.ReLU),
            }
        )
        self.D = nn.ModuleDict({"xz": PairXZ(), "xx": pair(X_DIM, 128), "zz": pair(Z_DIM, 32)})
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forgeries(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """E(x), G(z), G(E(x)) and E(G(z)), in three calls."""
        E, G = self.autoencoder["E"], self.autoencoder["G"]
        z_of_x = E(x)
        x_of_z, x_again = G(torch.cat((z, z_of_x))).chunk(2)
        return z_of_x, x_of_z, x_again, E(x_of_z)


def discriminator_loss(nets: Networks, x: Tensor, z: Tensor) -> Tensor:
    """Binary cross entropy of the three games: softplus(-l) for real, softplus(l) for forged."""
    with torch.no_grad():
        z_of_x, x_of_z, x_again, z_again = nets.forgeries(x, z)
        xx = torch.cat((torch.cat((x, x), nets.joined), torch.cat((x, x_again), nets.joined)))
        zz = torch.cat((torch.cat((z, z), 1), torch.cat((z, z_again), 1)))
    D = nets.D
    real_xx, forged_xx = D["xx"](xx).chunk(2)
    real_zz, forged_zz = D["zz"](zz).chunk(2)
    # D_xz takes its two batches one after the other: batch norm must not mix them.
    real = torch.cat((D["xz"](x, z_of_x), real_xx, real_zz))
    forged = torch.cat((D["xz"](x_of_z, z), forged_xx, forged_zz))
    return 3 * (softplus(-real).mean() + softplus(forged).mean())


def autoencoder_loss(nets: Networks, x: Tensor, z: Tensor) -> Tensor:
    """The same games with the labels swapped, less what has no gradient in E or G.

    D_xx(x, x) and D_zz(z, z) depend on neither: leaving them out changes the value, not the step.
    """
    z_of_x, x_of_z, x_again, z_again = nets.forgeries(x, z)
    D = nets.D
    forged = torch.cat(
        (
            D["xz"](x_of_z, z),
            D["xx"](torch.cat((x, x_again), nets.joined)),
            D["zz"](torch.cat((z, z_again), 1)),
        )
    )
    return softplus(D["xz"](x, z_of_x)).mean() + 3 * softplus(-forged).mean()


def make_step(nets: nn.Module, learning_rate: float, z_dim: int, *, compiled: bool = False) -> Step:
    """Optimisers and averages of one run, behind ``step(x for D, x for E and G)``.

    ``compiled`` puts the two losses through ``torch.compile``, for information.
    """

    def move(
        loss: Callable[[Networks, Tensor, Tensor], Tensor], player: nn.Module
    ) -> Callable[[Tensor], None]:
        own = list(player.parameters())
        adam = torch.optim.Adam(own, lr=learning_rate, betas=(0.5, 0.999), fused=True)
        loss = torch.compile(loss) if compiled else loss

        def update(x: Tensor) -> None:
            z = torch.randn(len(x), z_dim, device=x.device)
            adam.zero_grad()
            loss(nets, x, z).backward(inputs=own)  # none for the player that waits
            adam.step()

        return update

    move_D = move(discriminator_loss, nets.D)
    move_A = move(autoencoder_loss, nets.autoencoder)
    weights = [w.detach() for w in nets.parameters()]
    averages = [w.clone() for w in weights]

    def step(x_batch_D: Tensor, x_batch_A: Tensor) -> None:
        move_D(x_batch_D)
        move_A(x_batch_A)
        torch._foreach_lerp_(averages, weights, 1 - DECAY)

    return step


def shuffled(data: Tensor) -> Iterator[Tensor]:
    """Batches without end: every epoch a fresh shuffle, its remainder dropped."""
    while True:
        order = torch.randperm(len(data), device=data.device)
        for rows in order[: len(order) // BATCH * BATCH].split(BATCH):
            yield data[rows]


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """``torch.set_num_threads`` for the duration; None leaves it alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def time_steps(
    n_steps: int,
    data: np.ndarray,
    threads: int | None = None,
    *,
    device: str = "cpu",
    compiled: bool = False,
) -> float:
    """Seconds per step after a warm-up, with the data already on the device."""
    torch.manual_seed(0)  # PyTorch's dropout draws from the global generator only
    step = make_step(Networks().to(device), 1e-5, Z_DIM, compiled=compiled)
    rows = torch.as_tensor(data, dtype=torch.float32, device=device)
    batches = zip(shuffled(rows), shuffled(rows), strict=True)
    with torch_threads(threads):
        for _ in range(WARM_UP):
            step(*next(batches))
        synchronise(device)
        start = time.perf_counter()
        for _ in range(n_steps):
            step(*next(batches))
        synchronise(device)
        return (time.perf_counter() - start) / n_steps


def synchronise(device: str) -> None:
    """Let the device finish what was queued; a processor has no queue."""
    if device != "cpu":
        torch.accelerator.synchronize()

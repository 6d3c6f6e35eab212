"""AnoGAN's search as it is usually written: PyTorch, eager, one row after the other.

The networks are those of :data:`alad.networks.gan.GAN_KDD99` with fresh weights; what a step costs
does not depend on them.
"""

from __future__ import annotations

import time
from itertools import pairwise

import torch
from torch import nn

X_DIM, Z_DIM, STEPS, STEP_SIZE, FEATURE_WEIGHT = 121, 32, 500, 1e-2, 0.9


def dense(widths: tuple[int, ...], activation: nn.Module, last: nn.Module) -> nn.Sequential:
    """Dense layers, an activation after each, another after the last."""
    layers: list[nn.Module] = []
    for i, (inputs, units) in enumerate(pairwise(widths)):
        layers += [nn.Linear(inputs, units), last if i == len(widths) - 2 else activation]
    return nn.Sequential(*layers)


def search(G: nn.Module, f: nn.Module, x: torch.Tensor) -> float:
    """The lowest loss of one row's z on its way."""
    z = torch.randn(1, Z_DIM, requires_grad=True)
    adam = torch.optim.Adam([z], lr=STEP_SIZE)
    f_of_x, lowest = f(x).detach(), float("inf")
    for _ in range(STEPS):
        adam.zero_grad()
        x_of_z = G(z)
        residual, moved = (x - x_of_z).abs().sum(), (f_of_x - f(x_of_z)).abs().sum()
        loss = (1 - FEATURE_WEIGHT) * residual + FEATURE_WEIGHT * moved
        loss.backward()
        adam.step()
        lowest = min(lowest, loss.item())
    return lowest


def seconds_per_1000(rows: int = 5) -> float:
    """Seconds for 1,000 rows, from a few, on one thread: such small products gain none by more."""
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        G = dense((Z_DIM, 64, 128, X_DIM), nn.ReLU(), nn.Identity())
        f = dense((X_DIM, 256, 128, 128), nn.LeakyReLU(0.2), nn.LeakyReLU(0.2))
        for parameter in (*G.parameters(), *f.parameters()):
            parameter.requires_grad_(False)
        x = torch.randn(rows + 1, 1, X_DIM)
        search(G, f, x[0])
        began = time.perf_counter()
        for row in x[1:]:
            search(G, f, row)
        return (time.perf_counter() - began) / rows * 1000
    finally:
        torch.set_num_threads(threads)

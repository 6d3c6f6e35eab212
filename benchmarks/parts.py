"""The choices in alad's training step, each of which can be undone to see what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from alad.networks.layers import Dropout
from alad.training.programs import Programs
from benchmarks.alad_peer import time_steps


def _with_bernoulli(self: Dropout, x: Array) -> Array:
    share = 1 - self.threshold / 256
    return jnp.where(jax.random.bernoulli(self.stream(), share, x.shape), x / share, 0.0)


THREEFRY = {"alad.training.loop.key": jax.random.key}
BERNOULLI = {"alad.networks.layers.Dropout.__call__": _with_bernoulli}
SCALED = {"alad.networks.layers.scaled": jnp.multiply}
SHIFTED = {"alad.networks.layers.shifted": jnp.add}
BATCHED = {"alad.training.programs.side_by_side": jax.vmap}
OPTIONS = {"alad.training.programs.known_options": dict}
NO_DROPOUT = {"alad.networks.layers.Dropout.__call__": lambda self, x: x}

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "JAX's own form of Threefry": THREEFRY,
    "jax.random.bernoulli": BERNOULLI,
    "XLA's sum in batch norm's gradient": SCALED,
    "XLA's sum in a bias's gradient": SHIFTED,
    "a batch of one seed": BATCHED,
    "XLA's options as they are": OPTIONS,
    "all six": THREEFRY | BERNOULLI | SCALED | SHIFTED | BATCHED | OPTIONS,
    "no dropout at all": NO_DROPOUT,
}


class Variant:
    """The step with some names standing for others; what it compiles is its own."""

    def __init__(self, undone: Mapping[str, Any]) -> None:
        self.changes = {**undone, "alad.training.loop.programs": lru_cache(Programs)}

    def time_steps(self, n_steps: int, data: np.ndarray) -> float:
        """Seconds per step of one seed."""
        with ExitStack() as changes:
            for name, other in self.changes.items():
                changes.enter_context(patch(name, other))
            return time_steps(n_steps, data)

"""alad on pictures in the races: training steps, and single convolutions in both forms."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from alad import ALAD
from alad.networks import PICTURE_PRESETS, Players
from alad.networks.convolution import DIMENSIONS, of_squares, to_squares
from alad.training import Settings, train

SIZE, BATCH = (32, 32, 3), 32

# Of the preset's layers the dearest: (side, channels, units) of a batch of 32.
CONVOLUTIONS = {"E, 16 x 16 x 128 to 256": (16, 128, 256), "E, 8 x 8 x 256 to 512": (8, 256, 512)}
TRANSPOSED = {"G, 4 x 4 x 512 to 256": (4, 512, 256), "G, 8 x 8 x 256 to 128": (8, 256, 128)}


def pictures(n: int) -> np.ndarray:
    """Noise: the speed of a network does not depend on what it is shown."""
    return np.random.default_rng(0).integers(0, 256, (n, *SIZE)).astype(np.uint8)


def time_steps(n_steps: int, precision: str = "float32") -> float:
    """Seconds per step of the CIFAR-10 preset, in the second epoch."""
    preset = PICTURE_PRESETS["cifar10"]
    rows = pictures(n_steps * BATCH).astype(np.float32) / 127.5 - 1
    trained = train(
        Players(preset.architecture_for(SIZE), SIZE, preset.latent_dim, ("xz", "xx", "zz"), True),
        ALAD.moves,
        rows,
        seeds=[0],
        settings=Settings(
            epochs=2, batch_size=BATCH, learning_rate=preset.learning_rate, precision=precision
        ),
    )
    return trained.history.seconds[1] / n_steps


def xlas(x: Array, W: Array) -> Array:
    """The same as ``of_squares``, by XLA's own program."""
    return lax.conv_general_dilated(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)


def xlas_transposed(x: Array, W: Array) -> Array:
    """The same as ``to_squares``, by XLA's own program."""
    return lax.conv_transpose(x, W, (2, 2), "SAME", dimension_numbers=DIMENSIONS)


FORMS: dict[str, tuple[Callable[[Array, Array], Array], dict[str, tuple[int, int, int]]]] = {
    "as products": (of_squares, CONVOLUTIONS),
    "XLA's own": (xlas, CONVOLUTIONS),
    "transposed, as products": (to_squares, TRANSPOSED),
    "transposed, XLA's own": (xlas_transposed, TRANSPOSED),
}


def time_convolution(form: str, layer: str) -> float:
    """Seconds for a layer's output and both gradients."""
    program, x, W = _program(form, layer)
    start = time.perf_counter()
    jax.block_until_ready(program(x, W))
    return time.perf_counter() - start


@lru_cache
def _program(form: str, layer: str) -> tuple[Callable[[Array, Array], Array], Array, Array]:
    apply, layers = FORMS[form]
    side, channels, units = layers[layer]
    x = jax.random.normal(jax.random.key(0), (BATCH, side, side, channels))
    W = jax.random.normal(jax.random.key(1), (4, 4, channels, units))
    program = jax.jit(jax.grad(lambda x, W: jnp.square(apply(x, W)).sum(), argnums=(0, 1)))
    jax.block_until_ready(program(x, W))
    return program, x, W

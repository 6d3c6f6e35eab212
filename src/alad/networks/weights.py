"""Weights: how they begin, how they are multiplied, and how spectral normalisation divides them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

Initializer = Literal["xavier", "normal(0.01)"]

Precision = Literal["float32", "bfloat16"]

INITIALIZERS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "xavier": jax.nn.initializers.glorot_uniform(),
    "normal(0.01)": jax.nn.initializers.normal(0.01),
}


class SpectralVector(nnx.Variable):  # type: ignore[type-arg]
    """The stored left-over of the power iteration: an estimate of a singular vector of W."""


def first_vector(rngs: nnx.Rngs, units: int) -> SpectralVector:
    """Where the power iteration of a W of so many columns begins."""
    return SpectralVector(unit(jax.random.normal(rngs.params(), (units,))))


def spectral_norm(W: Array, u: SpectralVector, *, moves: bool) -> Array:
    """Estimate the largest singular value of W by one power step (Miyato et al., 2018).

    The vectors are constants to the gradient. ``u`` takes the step if ``moves``, else it rests.
    """
    right = u[...]
    left = lax.stop_gradient(unit(W @ right))
    if moves:
        right = lax.stop_gradient(unit(left @ W))
        u[...] = right
    sigma: Array = left @ W @ right
    return sigma


def operands(precision: Precision, *arrays: Array) -> tuple[Array, ...]:
    """Arrays as a product is to take them: in bfloat16, as its result then is, or as they are.

    The gradient of the rounding has the type that the array had.
    """
    if precision == "float32":
        return arrays
    return tuple(array.astype(jnp.bfloat16) for array in arrays)


@jax.custom_vjp
def shifted(x: Array, bias: Array) -> Array:
    """x plus a number for each column, with the gradient of these summed by a matrix product.

    XLA's own sum over the rows of a batch is one program with all that the gradient comes from
    (docs/decisions.md says what little this is worth).
    """
    return x + bias


shifted.defvjp(
    lambda x, bias: (x + bias, x[:0]),
    lambda none, g: (g.astype(none.dtype), _sum_of_rows(g)),
)


@jax.custom_vjp
def scaled(x: Array, factors: Array) -> Array:
    """x times a factor for each column, with the gradient of these summed by a matrix product.

    XLA's own sum of products is one program with all that the gradient comes from, as for a bias.
    """
    return x * factors


scaled.defvjp(
    lambda x, factors: (x * factors, (x, factors)),
    lambda of, g: (g * of[1], _sum_of_rows(g * of[0])),
)


def _sum_of_rows(x: Array) -> Array:
    rows = x.reshape(-1, x.shape[-1])
    return jnp.matmul(jnp.ones(len(rows), x.dtype), rows, precision=lax.Precision.HIGHEST)


def unit(vector: Array) -> Array:
    """The vector divided by its length."""
    scaled: Array = vector / (jnp.linalg.norm(vector) + 1e-12)
    return scaled

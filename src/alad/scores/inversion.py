"""Gradient search for the latent vector of each row, all rows of a block at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

Loss = Callable[[Array], Array]


def search(loss: Loss, start: Array, *, steps: int, step_size: float) -> tuple[Array, Array]:
    """Let Adam lower the loss of each row by moving its z; give the best that was met.

    A row's loss depends on its own z alone, and Adam moves each number by itself, so a row's
    search is the same whatever rows are beside it. The start counts as met: no row ends worse
    than it began.

    Parameters
    ----------
    loss : callable
        (n, latent) to (n,).
    start : Array of shape (n, latent)

    Returns
    -------
    z, lowest : Arrays of shape (n, latent) and (n,)
    """
    rule = optax.adam(step_size)

    def of_all(z: Array) -> tuple[Array, Array]:
        each = loss(z)
        return each.sum(), each

    def better(z: Array, each: Array, best: tuple[Array, Array]) -> tuple[Array, Array]:
        lower = each < best[1]
        return jnp.where(lower[:, None], z, best[0]), jnp.where(lower, each, best[1])

    def step(_: Array, carry: Any) -> Any:
        z, slots, best = carry
        gradient, each = jax.grad(of_all, has_aux=True)(z)
        change, slots = rule.update(gradient, slots)
        return optax.apply_updates(z, change), slots, better(z, each, best)

    begin = (start, rule.init(start), (start, jnp.full(len(start), jnp.inf)))
    z, _, best = lax.fori_loop(0, steps, step, begin)
    found: tuple[Array, Array] = better(z, loss(z), best)
    return found

"""The training step's matrix products alone, and its Adam alone, to see what the rest takes.

The products are read from what XLA compiles for a step of the KDD99 preset, so each that it shares
or leaves out is so here. They run in one compiled loop, one after the other, on operands that
change from turn to turn.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from alad import ALAD
from alad.networks import Players
from alad.training.programs import Programs
from alad.training.step import Step
from benchmarks.alad_peer import BATCH, PRESET, X_DIM, Z_DIM

DOT = re.compile(
    r"dot\(%([^,)]+), %([^,)]+)\), lhs_contracting_dims=\{(\d)\}, rhs_contracting_dims=\{(\d)\}"
)
SHAPE = re.compile(r"%(\S+) = f32\[([\d,]*)\]")

Product = tuple[tuple[int, ...], tuple[int, ...], int, int]  # both shapes, the axes summed over


@lru_cache(maxsize=1)
def the_programs() -> Programs:
    """What a training of the preset compiles."""
    build = Players(PRESET.architecture, X_DIM, Z_DIM, ("xz", "xx", "zz"), False)
    return Programs(build, ALAD.moves, PRESET.learning_rate, 0.5, 0.999, 0.999, "float32")


@lru_cache(maxsize=1)
def newborn() -> Any:
    """The learners of one seed."""
    born = the_programs().born(jax.random.split(jax.random.key(0), 1))
    return jax.tree.map(lambda leaf: leaf[0], born)


@lru_cache(maxsize=1)
def products() -> list[Product]:
    """Every product that a compiled step makes."""
    known = the_programs()
    step = Step(known.blueprints, known.moves, known.optimiser, known.ema_decay, known.precision)
    batches = [jnp.zeros((BATCH, X_DIM))] * len(known.moves)
    lowered = jax.jit(lambda *given: step(*given)).lower(newborn(), batches, jax.random.key(0))
    text = str(lowered.compile().as_text())
    shapes = {name: tuple(map(int, re.findall(r"\d+", dims))) for name, dims in SHAPE.findall(text)}
    return [(shapes[a], shapes[b], int(i), int(j)) for a, b, i, j in DOT.findall(text)]


@lru_cache(maxsize=1)
def compiled_products() -> tuple[Callable[[Any, int], Array], list[tuple[Array, Array]]]:
    """A program of so many turns of all products, and what they are of."""
    axes = [(i, j) for *_, i, j in products()]
    rng = np.random.default_rng(0)
    operands = [
        (
            jnp.asarray(rng.normal(size=(2, *a)), jnp.float32),
            jnp.asarray(rng.normal(size=b), jnp.float32),
        )
        for a, b, *_ in products()
    ]

    def turns(pairs: list[tuple[Array, Array]], count: int) -> Array:
        def turn(k: Array, total: Array) -> Array:
            for (a, b), (i, j) in zip(pairs, axes, strict=True):
                own = lax.dynamic_index_in_dim(a, k % 2, keepdims=False)
                found = lax.optimization_barrier(lax.dot_general(own, b, (((i,), (j,)), ((), ()))))
                total += found.ravel()[0]
            return total

        return lax.fori_loop(0, count, turn, jnp.float32(0))

    return jax.jit(turns), operands


@jax.jit
def adam_alone(learners: Any, count: int) -> Any:
    """So many turns of Adam and of the averages, of a gradient that is at hand: the weights."""
    known = the_programs()

    def turn(_: Array, learners: Any) -> Any:
        moved = {}
        for name, one in learners.items():
            change, slots = known.optimiser.update(one.params, one.optimiser, one.params)
            params = optax.apply_updates(one.params, change)
            ema = optax.incremental_update(params, one.ema, 1 - known.ema_decay)
            moved[name] = one._replace(params=params, optimiser=slots, ema=ema)
        return moved

    return lax.fori_loop(0, count, turn, learners)


def seconds_of_products(n_steps: int) -> float:
    """Seconds that the products of a step take alone."""
    run, operands = compiled_products()
    return _timed(lambda: run(operands, n_steps)) / n_steps


def seconds_of_adam(n_steps: int) -> float:
    """Seconds that Adam and the averages of a step take alone."""
    return _timed(lambda: adam_alone(newborn(), n_steps)) / n_steps


def _timed(run: Callable[[], Any]) -> float:
    jax.block_until_ready(run())
    start = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - start

"""What training compiles: birth, batches, steps and validation, each for several seeds at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from alad.training.state import Blueprint, Build, Learner, alive, blueprints, newborn
from alad.training.step import Move, Step, run_steps, shuffles

CHUNK = 1000  # steps between two reports of progress
CHUNK_OF_PICTURES = 20  # each takes as long as hundreds of rows
OPTIONS: Mapping[str, bool | int] = {
    "xla_cpu_copy_insertion_use_region_analysis": True,  # weights are copied less
    "xla_cpu_prefer_vector_width": 512,  # where the processor has such vectors
}
BLOCK = 4096  # validation rows that are scored at once
BLOCK_OF_PICTURES = 128
MOST_WITH_ROOM = 128 << 20  # bytes: to copy more costs more than a program of their own

Learners = dict[str, Learner]
Validate = Callable[[dict[str, Any], Array], Array]


@dataclass(frozen=True)
class Programs:
    """What one kind of run compiles. Equal runs share it, so a second fit compiles nothing."""

    build: Build
    moves: tuple[Move, ...]
    learning_rate: float
    beta1: float
    beta2: float
    ema_decay: float
    precision: str

    @cached_property
    def optimiser(self) -> optax.GradientTransformation:
        """Adam, as every player uses it."""
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    @cached_property
    def blueprints(self) -> dict[str, Blueprint]:
        """The structure of the players."""
        return blueprints(self.build)

    @cached_property
    def born(self) -> Callable[[Array], Learners]:
        """Fresh learners from keys, one for each seed of a lane."""
        return jax.jit(jax.vmap(lambda key: newborn(self.build, self.optimiser, key)))

    @cached_property
    def deal(self) -> Callable[..., tuple[Array, Array]]:
        """The keys and the batches, (seeds, moves, steps, batch_size), of an epoch by number.

        Of ``steps`` the last are of nobody's rows where ``rows`` do not fill so many batches.
        """

        def deal(
            keys: Array, epoch: Array, rows: int, batch_size: int, steps: int
        ) -> tuple[Array, Array]:
            of_epoch = jax.vmap(lambda key: jax.random.fold_in(key, epoch))(keys)
            of_seed = partial(shuffles, rows=rows, batch_size=batch_size, moves=len(self.moves))
            order = jax.vmap(of_seed)(of_epoch)
            return of_epoch, jnp.pad(order, ((0, 0), (0, 0), (0, steps - order.shape[2]), (0, 0)))

        return jax.jit(deal, static_argnums=(2, 3, 4))

    @cached_property
    def chunk(self) -> Callable[..., tuple[Learners, Array]]:
        """Some steps of an epoch, for each seed of a lane."""
        step = Step(self.blueprints, self.moves, self.optimiser, self.ema_decay, self.precision)
        of_lane = side_by_side(partial(run_steps, step, CHUNK), in_axes=(0, 0, 0, None, None, None))
        return jax.jit(of_lane, donate_argnums=0, compiler_options=known_options())

    @lru_cache(maxsize=8)  # noqa: B019 - the programs live as long as the process
    def judge(self, validate: Validate) -> Callable[[Learners, Array, int], Array]:
        """The mean of ``validate`` over blocks of rows, under averaged weights, for each seed."""

        def mean(learners: Learners, blocks: Array, count: Array) -> Array:
            networks = {
                name: alive(self.blueprints[name], learner.ema, learner.buffers)
                for name, learner in learners.items()
            }
            values = jax.lax.map(lambda x: validate(networks, x), blocks).ravel()
            result: Array = jnp.where(jnp.arange(len(values)) < count, values, 0).sum() / count
            return result

        return jax.jit(side_by_side(mean, in_axes=(0, None, None)))


def side_by_side(function: Callable[..., Any], in_axes: Sequence[int | None]) -> Callable[..., Any]:
    """``jax.vmap``, but for a single seed the function itself.

    Batches of one matrix are products of matrices once they are compiled, but with operands that
    were turned round first (docs/decisions.md has the measurement).
    """

    def of_lane(*arguments: Any) -> Any:
        by_seed = [a for a, axis in zip(arguments, in_axes, strict=True) if axis is not None]
        if len(jax.tree.leaves(by_seed)[0]) > 1:
            return jax.vmap(function, in_axes=tuple(in_axes))(*arguments)
        own = [
            a if axis is None else jax.tree.map(lambda leaf: leaf[0], a)
            for a, axis in zip(arguments, in_axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*own))

    return of_lane


@cache
def known_options() -> dict[str, bool | int]:
    """Those of XLA's options for a training step that this release of it has."""
    return {name: value for name, value in OPTIONS.items() if _is_known(name, value)}


def _is_known(name: str, value: bool | int) -> bool:
    try:
        jax.jit(jnp.negative, compiler_options={name: value}).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def room_for(rows: np.ndarray[Any, Any]) -> int:
    """Room for these rows, or no more than they are where they are too many to be copied."""
    return len(rows) if rows.nbytes > MOST_WITH_ROOM else roomy(len(rows))


def roomy(n: int) -> int:
    """Room for n rows and up to an eighth more, the same room for numbers that are near.

    A program is compiled for arrays of one size: with some room it serves the next data set too.

    >>> [roomy(n) for n in (15, 3_540, 3_584, 3_585)]
    [15, 3584, 3584, 3840]
    """
    step = 1 << max(n.bit_length() - 4, 0)
    return -(-n // step) * step


def with_room(rows: np.ndarray[Any, Any], room: int) -> Array:
    """Rows and zeros below them, ``room`` in all."""
    more = [(0, room - len(rows)), *[(0, 0)] * (rows.ndim - 1)]
    return jnp.asarray(rows if room == len(rows) else np.pad(rows, more))


def as_blocks(rows: np.ndarray[Any, Any]) -> Array:
    """Rows as blocks that are scored one after the other, and zeros to fill the last."""
    room = room_for(rows)
    block = min(room, BLOCK if rows.ndim == 2 else BLOCK_OF_PICTURES)
    whole = -(-room // block) * block
    return with_room(rows, whole).reshape(-1, block, *rows.shape[1:])


programs = lru_cache(maxsize=16)(Programs)

"""One step of a game, and many of them compiled into one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from alad.training.state import Blueprint, Learner, Networks, alive, buffers_of


@dataclass(frozen=True)
class Move:
    """Who learns, and from what: ``loss(networks, rows, key)`` is a scalar to be made small."""

    player: str
    loss: Callable[[Networks, Array, Array], Array]


@dataclass(frozen=True)
class Step:
    """All moves of one training step, in turn; each sees rows and randomness of its own.

    Parameters
    ----------
    blueprints : mapping
        The players, by name.
    moves : sequence of Move
    optimiser : optax.GradientTransformation
        The same rule for every player, with slots of its own for each.
    ema_decay : float
        d in ``ema <- d ema + (1 - d) params``, after each of a player's moves; 0 for no memory.
    precision : {"float32", "bfloat16"}
        Of what goes into the networks' products and comes out, forwards and backwards. All that
        lasts beyond the step is float32: weights, slots, averages and buffers.
    """

    blueprints: Mapping[str, Blueprint]
    moves: Sequence[Move]
    optimiser: optax.GradientTransformation
    ema_decay: float
    precision: str = "float32"

    def __call__(
        self, learners: dict[str, Learner], batches: Sequence[Array], key: Array
    ) -> tuple[dict[str, Learner], Array]:
        """Make every move once; returns the learners and one loss for each move."""
        losses = []
        for i, (move, rows) in enumerate(zip(self.moves, batches, strict=True)):
            learners, loss = self._make(move, learners, rows, jax.random.fold_in(key, i))
            losses.append(loss)
        return learners, jnp.stack(losses)

    def _make(
        self, move: Move, learners: dict[str, Learner], rows: Array, key: Array
    ) -> tuple[dict[str, Learner], Array]:
        for_loss, for_dropout = jax.random.split(key)
        mover = learners[move.player]

        def loss(params: Any) -> tuple[Array, Any]:
            networks = self._networks(learners, {move.player: params}, for_dropout)
            return move.loss(networks, rows, for_loss), buffers_of(networks[move.player])

        (value, buffers), gradient = jax.value_and_grad(loss, has_aux=True)(mover.params)
        change, slots = self.optimiser.update(gradient, mover.optimiser, mover.params)
        params = optax.apply_updates(mover.params, change)
        ema = optax.incremental_update(params, mover.ema, 1 - self.ema_decay)
        return {**learners, move.player: Learner(params, buffers, slots, ema)}, value

    def _networks(
        self, learners: Mapping[str, Learner], moving: Mapping[str, Any], key: Array
    ) -> dict[str, Any]:
        return {
            name: alive(
                self.blueprints[name],
                moving.get(name, learner.params),
                learner.buffers,
                dropout=jax.random.fold_in(key, i),
                precision=self.precision,
            )
            for i, (name, learner) in enumerate(sorted(learners.items()))
        }


def shuffles(key: Array, *, rows: int, batch_size: int, moves: int) -> Array:
    """Deal the rows into batches, once for each move: indices (moves, steps, batch_size).

    Rows that do not fill a batch are left out, other ones in each epoch.
    """
    steps = rows // batch_size
    orders = [
        jax.random.permutation(jax.random.fold_in(key, i), rows)[: steps * batch_size]
        for i in range(moves)
    ]
    return jnp.stack(orders).reshape(moves, steps, batch_size)


def run_steps(
    step: Step,
    length: int,
    learners: dict[str, Learner],
    order: Array,
    key: Array,
    rows: Array,
    start: Array,
    stop: Array,
) -> tuple[dict[str, Learner], Array]:
    """Make the steps start, ..., stop - 1 of an epoch, at most ``length`` of them.

    A loop with a length known only at run time, so that one compiled program serves every
    part of every epoch. Returns the learners and the losses, (length, moves), NaN-free unless
    training diverged.
    """

    def body(t: Array, carry: tuple[dict[str, Learner], Array]) -> tuple[dict[str, Learner], Array]:
        learners, losses = carry
        batches = [rows[order[i, t]] for i in range(len(step.moves))]
        learners, loss = step(learners, batches, jax.random.fold_in(key, t))
        return learners, losses.at[t - start].set(loss)

    losses = jnp.zeros((length, len(step.moves)))
    result: tuple[dict[str, Learner], Array] = lax.fori_loop(start, stop, body, (learners, losses))
    return result

"""A game so small that all of it can be reckoned by hand, and a program that plays it.

Rows are (number, value). P and Q each hold two weights; P pulls its weights towards the rows'
mean value and Q's weights, Q pulls its own towards noise and P's. Each player counts, in buffers
that its own moves alone touch, which rows it was dealt, how often it moved, and what noise it
drew last.

    python -m tests.training.toy CHECKPOINT EPOCHS

trains slowly, writing the checkpoint after every epoch, for the test that kills it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from alad.training import Checkpoint, Move, Settings, train

N = 40
ROWS = np.stack([np.arange(N), np.random.default_rng(0).normal(1, 1, N)], axis=1).astype(np.float32)
SETTINGS = Settings(epochs=3, batch_size=12, learning_rate=0.1, ema_decay=0.9)


class Memory(nnx.Variable):
    """What a player has seen; kept, but not learned."""


class Player(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.w = nnx.Param(jax.random.normal(rngs.params(), (2,)))
        self.fate = Memory(jax.random.randint(rngs.params(), (), 1, 7).astype(jnp.float32))
        self.seen = Memory(jnp.zeros(N))
        self.moves = Memory(jnp.zeros(()))
        self.noise = Memory(jnp.zeros(()))

    def note(self, rows, key):
        """Write down one move; returns the noise drawn."""
        noise = jax.random.normal(key)
        self.seen[...] = self.seen[...].at[rows[:, 0].astype(int)].add(1)
        self.moves[...] = self.moves[...] + 1
        self.noise[...] = noise
        return noise


def build(key):
    rngs = nnx.Rngs(params=key)
    return {"P": Player(rngs), "Q": Player(rngs)}


def loss_of_p(networks, rows, key):
    p, q = networks["P"], networks["Q"]
    p.note(rows, key)
    return jnp.square(p.w[...] - rows[:, 1].mean()).sum() + jnp.square(p.w[...] - q.w[...]).mean()


def loss_of_q(networks, rows, key):
    p, q = networks["P"], networks["Q"]
    return jnp.square(q.w[...] - q.note(rows, key)).sum() + jnp.square(q.w[...] - p.w[...]).mean()


MOVES = (Move("P", loss_of_p), Move("Q", loss_of_q))


def away_from_fate(networks, rows):
    """How many of P's moves lie between now and its fate; long after it, better than ever."""
    late = networks["P"].moves[...] - networks["P"].fate[...]
    return jnp.where(late > 2, -1.0, jnp.abs(late)) + 0 * rows[:, 1]


def play(*, seeds=(0,), settings=SETTINGS, rows=ROWS, **others):
    return train(build, MOVES, rows, seeds=seeds, settings=settings, **others)


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


def memory(weights, player, name):
    return np.asarray(weights[player][1][name][...])


if __name__ == "__main__":
    jax.config.update("jax_disable_most_optimizations", True)  # as in the tests
    play(
        seeds=(0, 1),
        settings=Settings(int(sys.argv[2]), 12, 0.1, ema_decay=0.9),
        checkpoint=Checkpoint(Path(sys.argv[1]), "toy", every=0),
        report=lambda progress: time.sleep(0.3),
    )

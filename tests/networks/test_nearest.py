"""The search for the nearest rows, against all distances in double precision."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.networks.nearest import BLOCK, GROUP, nearest, nearest_at_once, nearest_in_blocks

RNG = np.random.default_rng(0)
K = 11


def rows(n, d=8, scale=1.0):
    return (scale * RNG.normal(size=(n, d))).astype(np.float32)


def clustered(n, d=8):
    centres = rows(20, d, 10)
    return centres[RNG.integers(0, 20, n)] + rows(n, d, 0.1)


def whole(n, d=3):
    """Numbers small and whole: distances are exact, and many are equal."""
    return RNG.integers(-2, 3, size=(n, d)).astype(np.float32)


def by_hand(x, others, k=K):
    squares = np.square(np.float64(x)[:, None] - np.float64(others)).sum(axis=2)
    return np.argsort(squares, axis=1, kind="stable")[:, :k]


def found(x, others, k=K, search=nearest):
    return np.asarray(jax.jit(partial(search, k=k))(jnp.asarray(x), jnp.asarray(others)))


CASES = {
    "random": (rows(300), rows(1000)),
    "clustered": (clustered(300), clustered(1000)),
    "far": (rows(70, scale=100), rows(1000)),
    "repeated": (np.repeat(rows(30), 7, axis=0), rows(700)),
    "tied": (whole(200), whole(1000)),
    "all equal": (whole(5), np.ones((900, 3), np.float32)),
    "a group too few": (rows(100), rows((K - 1) * GROUP)),
    "one group more": (rows(100), rows((K - 1) * GROUP + 1)),
    "as many as are asked for": (rows(100), rows(K)),
}


@pytest.mark.parametrize("search", [nearest_in_blocks, nearest_at_once])
@pytest.mark.parametrize("case", CASES)
def test_the_nearest_are_those_of_all_distances(case, search):
    x, others = CASES[case]
    assert np.array_equal(found(x, others, search=search), by_hand(x, others))


@pytest.mark.parametrize("k", [1, 2, 40])
def test_as_many_as_are_asked_for(k):
    x, others = rows(10), rows(50)
    assert np.array_equal(found(x, others, k), by_hand(x, others, k))


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_any_number_of_rows(n):
    x, others = rows(BLOCK + 1)[:n], rows(500)
    assert found(x, others).shape == (n, K)
    assert np.array_equal(found(x, others), by_hand(x, others))


def test_what_a_row_finds_does_not_depend_on_its_company():
    x, others = clustered(300), clustered(1000)
    alone = np.concatenate([found(row[None], others) for row in x[:20]])
    assert np.array_equal(found(x, others)[:20], alone)
    assert np.array_equal(found(x[::-1], others)[::-1], found(x, others))

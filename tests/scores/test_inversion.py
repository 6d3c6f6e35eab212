"""The search for latent vectors: Adam by hand, row by row, and never worse than the start."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.scores import search

RNG = np.random.default_rng(6)
TARGET = RNG.normal(size=(6, 3)).astype(np.float32)
START = np.tile(RNG.normal(size=3), (6, 1)).astype(np.float32)


def distance(target):
    """Hilly, so that a large step may well lead upwards."""
    return lambda z: (jnp.square(z - target) + 1 - jnp.cos(5 * (z - target))).sum(axis=-1)


def found(target=TARGET, start=START, *, steps=20, step_size=0.1):
    return map(np.asarray, search(distance(target), start, steps=steps, step_size=step_size))


def by_hand(target, z, *, steps, step_size):
    """Adam as in its paper, in double precision; gives the lowest value met and where."""
    m = v = np.zeros_like(z := np.float64(z))
    met = []
    for t in range(1, steps + 2):
        met.append((float((np.square(z - target) + 1 - np.cos(5 * (z - target))).sum()), z))
        g = 2 * (z - target) + 5 * np.sin(5 * (z - target))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        z = z - step_size * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return min(met, key=lambda pair: pair[0])


@pytest.mark.parametrize(("steps", "step_size"), [(15, 0.05), (4, 0.7)])
def test_each_row_is_searched_by_adam_alone(steps, step_size):
    z, lowest = found(steps=steps, step_size=step_size)
    for i, target in enumerate(TARGET):
        value, place = by_hand(target, START[i], steps=steps, step_size=step_size)
        assert lowest[i] == pytest.approx(value, rel=1e-3)
        np.testing.assert_allclose(z[i], place, rtol=1e-3, atol=1e-3)


def test_what_is_found_is_what_its_place_is_worth():
    z, lowest = found()
    assert np.array_equal(distance(TARGET)(z), lowest)
    assert (lowest < distance(TARGET)(START)).all()


@pytest.mark.parametrize("step_size", [1e-3, 3.0, 1e6])
def test_no_row_ends_worse_than_it_began(step_size):
    _, lowest = found(step_size=step_size)
    assert (lowest <= distance(TARGET)(START)).all()


def test_more_steps_are_never_worse():
    lowest = [list(found(steps=steps, step_size=0.7))[1] for steps in range(6)]
    assert (np.diff(lowest, axis=0) <= 0).all()


def test_without_steps_the_start_is_what_is_found():
    z, lowest = found(steps=0)
    assert np.array_equal(z, START)
    assert np.array_equal(lowest, distance(TARGET)(START))


def test_a_row_is_searched_alike_whatever_is_beside_it():
    z, lowest = found()
    order = [4, 0, 5, 2]
    for a, b in zip(found(TARGET[order], START[order]), (z[order], lowest[order]), strict=True):
        assert np.array_equal(a, b)
    for i in range(6):
        assert list(found(TARGET[i : i + 1], START[i : i + 1]))[1] == lowest[i]


def test_a_loss_that_is_not_a_number_spoils_its_own_row_only():
    target = TARGET.copy()
    target[2] = np.nan
    z, lowest = found(target)
    assert lowest[2] == np.inf
    assert np.array_equal(z[2], START[2])
    assert np.array_equal(np.delete(lowest, 2), np.delete(list(found())[1], 2))


def test_it_can_be_compiled():
    compiled = jax.jit(lambda start: search(distance(TARGET), start, steps=20, step_size=0.1))
    for a, b in zip(compiled(START), found(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)

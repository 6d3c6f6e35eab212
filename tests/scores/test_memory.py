"""Distances to kept rows and D_xz's doubt, against NumPy in double precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.networks import Players
from alad.networks.memory import Kept
from alad.networks.presets import tabular_architecture
from alad.scores.memory import (
    DOUBT,
    LOCALITY,
    MEMORY_SCORES,
    MOST_DOUBT,
    NEIGHBOURS,
    own_logits,
)

RNG = np.random.default_rng(1)
M, D = 50, 6
KEPT = RNG.normal(size=(M, D)).astype(np.float32)
RADIUS = RNG.uniform(0.5, 2, size=M).astype(np.float32)
LEAST = np.where(np.arange(M) % 7, 0, 4).astype(np.float32)  # some distances count as more
TRUST, SLOPES, INTERCEPT, SCALE = 0.7, (0.3, 0.6), -0.4, 2.5
UNIT = np.full(1, 0.07, np.float32)
X = np.vstack([RNG.normal(size=(20, D)), 30 * RNG.normal(size=(5, D))]).astype(np.float32)


@pytest.fixture(scope="module")
def networks():
    built = Players(tabular_architecture(D), D, 3, ("xz", "xx"), False, M)(jax.random.key(0))
    memory = built["M"]
    memory.rows, memory.radius, memory.unit = map(Kept, map(jnp.asarray, (KEPT, RADIUS, UNIT)))
    memory.least = Kept(jnp.asarray(LEAST))
    memory.slopes, memory.intercept = Kept(jnp.array(SLOPES)), Kept(jnp.full(1, INTERCEPT))
    memory.trust, memory.scale = Kept(jnp.full(1, TRUST)), Kept(jnp.full(1, SCALE))
    for network in built.values():
        network.eval()
    return built


def by_hand(x):
    squashed = np.sign(x) * SCALE * np.log1p(np.abs(np.float64(x)) / SCALE)
    distances = np.linalg.norm(squashed[:, None] - KEPT, axis=2)
    order = np.argsort(distances, axis=1)[:, :NEIGHBOURS]
    raised = np.maximum(np.take_along_axis(distances, order, axis=1), LEAST[order])
    near = np.log(raised + UNIT).mean(axis=1)
    return near, np.log(RADIUS[order].mean(axis=1) + UNIT)


def logit_by_hand(networks, x):
    of_xz = np.float64(networks["D"]["xz"](x, networks["A"].E(x)))
    return SLOPES[0] * of_xz + SLOPES[1] * np.float64(networks["D"]["xx"](x, x)) + INTERCEPT


def test_distances_are_those_of_all_pairs(networks):
    near, here = by_hand(X)
    np.testing.assert_allclose(MEMORY_SCORES["distance"](networks, X), near, atol=1e-5)
    local = MEMORY_SCORES["local-distance"](networks, X)
    np.testing.assert_allclose(local, near - LOCALITY * here, atol=1e-5)


def test_the_doubt_is_added_and_never_negative(networks):
    logit = logit_by_hand(networks, X)
    doubt = MEMORY_SCORES["memory"](networks, X) - MEMORY_SCORES["local-distance"](networks, X)
    np.testing.assert_allclose(doubt, TRUST * DOUBT * np.logaddexp(0, -logit), atol=1e-5)
    assert (doubt > -1e-6).all()


def test_the_doubt_has_an_end(networks):
    """Far out D_xz is sure of anything: 8 nats of its doubt count."""
    far = np.float32(1e3) * X
    logit = logit_by_hand(networks, far)
    assert (logit < -2 * MOST_DOUBT).any()
    doubt = MEMORY_SCORES["memory"](networks, far) - MEMORY_SCORES["local-distance"](networks, far)
    expected = np.minimum(np.logaddexp(0, -logit), MOST_DOUBT)
    np.testing.assert_allclose(doubt, TRUST * DOUBT * expected, atol=1e-4)


def test_a_discriminator_that_is_not_there_has_no_say(networks):
    without = {**networks, "D": {"xz": networks["D"]["xz"]}}
    of_both, of_one = own_logits(networks, X), own_logits(without, X)
    np.testing.assert_array_equal(of_one[:, 0], of_both[:, 0])
    assert (of_one[:, 1] == 0).all()
    assert not (of_both[:, 1] == 0).any()


@pytest.fixture
def unsquashed(networks):
    """The memory of networks that had rows enough, none in a knot: nothing counts otherwise."""
    memory = networks["M"]
    memory.scale, memory.least = Kept(jnp.full(1, jnp.inf)), Kept(jnp.zeros(M))
    yield memory
    memory.scale, memory.rows = Kept(jnp.full(1, SCALE)), Kept(jnp.asarray(KEPT))
    memory.least = Kept(jnp.asarray(LEAST))


def test_a_row_of_the_memory_does_not_count_itself(unsquashed):
    distances, _ = unsquashed.nearest(jnp.asarray(KEPT[:5]), 3)
    every = np.sort(np.linalg.norm(KEPT[:5, None] - KEPT, axis=2), axis=1)
    np.testing.assert_allclose(distances, every[:, 1:4], rtol=1e-5)


def test_a_row_that_rounds_to_one_of_the_memory_is_taken_for_it(unsquashed):
    halves = np.float32(np.float16(KEPT))
    unsquashed.rows = Kept(jnp.asarray(halves))
    distances, _ = unsquashed.nearest(jnp.asarray(KEPT[:5]), 3)
    every = np.linalg.norm(KEPT[:5, None] - halves, axis=2)
    every[np.arange(5), np.arange(5)] = np.inf
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :3], rtol=1e-5)


def test_a_small_memory_gives_as_many_as_it_has(networks):
    distances, radii = networks["M"].nearest(jnp.asarray(X), 1000)
    assert distances.shape == radii.shape == (len(X), M - 1)
    assert np.isfinite(distances).all()

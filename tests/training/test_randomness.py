"""Random numbers: JAX's own to the last bit where they claim to be, and random where not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alad.training.randomness import key

SEEDS = (0, 1, 42, 2**31 - 1, 2**32 - 1)
DRAWS = {
    "bits": lambda k: jax.random.bits(k, (7, 3)),
    "one": lambda k: jax.random.bits(k),
    "16 bits": lambda k: jax.random.bits(k, (9,), jnp.uint16),
    "normal": lambda k: jax.random.normal(k, (5, 4)),
    "uniform": lambda k: jax.random.uniform(k, (11,)),
    "permutation": lambda k: jax.random.permutation(k, 100),
    "split": lambda k: jax.random.key_data(jax.random.split(k, 5)),
    "split in a grid": lambda k: jax.random.key_data(jax.random.split(k, (2, 3))),
    "fold_in": lambda k: jax.random.key_data(jax.random.fold_in(k, 12345)),
    "deep": lambda k: jax.random.normal(
        jax.random.fold_in(jax.random.split(jax.random.split(k)[1])[0], 2**32 - 1), (3,)
    ),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_it_is_jaxs_generator_to_the_last_bit(draw):
    ours = [draw(key(seed)) for seed in SEEDS]
    theirs = [draw(jax.random.key(seed)) for seed in SEEDS]
    assert np.array_equal(ours, theirs)
    assert np.array_equal(jax.vmap(draw)(jnp.stack([key(s) for s in SEEDS])), theirs)
    assert np.array_equal(jax.jit(draw)(key(42)), theirs[2])


def test_a_traced_number_folds_in_like_a_plain_one():
    def draw(k, t):
        return jax.random.bits(jax.random.fold_in(k, t), (4,))

    ours = jax.vmap(draw, in_axes=(None, 0))(key(3), jnp.arange(6))
    assert np.array_equal(ours, [draw(jax.random.key(3), t) for t in range(6)])


def byte_masks(keys, n):
    """(keys, n): a byte for each key and position."""
    return np.asarray(jax.vmap(lambda k: jax.random.bits(k, (n,), jnp.uint8))(keys))


def test_bytes_are_uniform():
    n = 1 << 20
    counts = np.bincount(byte_masks(key(0)[None], n)[0], minlength=256)
    chi_square = ((counts - n / 256) ** 2 / (n / 256)).sum()
    assert abs(chi_square - 255) < 6 * np.sqrt(2 * 255)  # mean 255, variance 510


def test_bytes_are_uniform_over_keys_at_one_position():
    counts = np.bincount(byte_masks(jax.random.split(key(5), 1 << 16), 1)[:, 0], minlength=256)
    chi_square = ((counts - 256) ** 2 / 256).sum()
    assert abs(chi_square - 255) < 6 * np.sqrt(2 * 255)


def correlation(a, b):
    return np.corrcoef(np.ravel(a).astype(float), np.ravel(b).astype(float))[0, 1]


@pytest.mark.parametrize("threshold", [51, 128])  # dropout rates 0.2 and 0.5
def test_masks_of_neighbours_are_uncorrelated(threshold):
    k = key(1)
    folded = jax.vmap(lambda i: jax.random.fold_in(k, i))(jnp.arange(64))
    # Raw neighbours too: keys whose two words differ by one in either.
    raw = jnp.array([[a, b] for a in range(8) for b in range(8)], jnp.uint32)
    counted = jax.random.wrap_key_data(raw, impl=jax.random.key_impl(k))
    for keys in (folded, counted):
        masks = byte_masks(keys, 4096) >= threshold
        bound = 6 / np.sqrt(masks.size)
        for shift in (1, 2, 8, 50, 128):
            assert abs(correlation(masks[:, shift:], masks[:, :-shift])) < bound
        for shift in (1, 2, 7, 8, 9):
            assert abs(correlation(masks[shift:], masks[:-shift])) < bound
            assert abs(correlation(masks[shift:, 1:], masks[:-shift, :-1])) < bound
        assert abs(masks.mean() - (1 - threshold / 256)) < bound


def test_no_two_masks_are_alike():
    masks = byte_masks(jax.random.split(key(2), 2000), 64)
    assert len(np.unique(masks, axis=0)) == 2000

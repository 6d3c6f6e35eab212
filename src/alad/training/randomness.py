"""Random numbers that compile into the work they are needed for.

The generator is Threefry-2x32 with 20 rounds (Salmon et al., Parallel random numbers: as easy
as 1, 2, 3, 2011), JAX's own default, and its numbers are JAX's to the last bit. Only the form
differs: on a CPU, JAX writes the rounds as a loop, whose fixed cost is felt in a step that draws
twenty times (docs/decisions.md). Here they are straight-line arithmetic, which XLA merges with
what surrounds it.

Bytes are the exception. They are for dropout's masks, of which a step draws ten times as many as
of all other numbers: a word mixed from the key and the place in the mask is enough for them.

>>> import jax
>>> jax.random.bits(key(7), (2,)).tolist() == jax.random.bits(jax.random.key(7), (2,)).tolist()
True
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.extend.random
import jax.numpy as jnp
from jax import Array, lax

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
UINTS = {8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}


def key(seed: int) -> Array:
    """Give the key of a seed, for every function of ``jax.random``."""
    made: Array = jax.random.wrap_key_data(jax.random.key_data(jax.random.key(seed)), impl=THREEFRY)
    return made


def threefry(key: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Encipher counters (x0, x1), of any one shape, with a key of two words."""
    words = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(PARITY))
    x0, x1 = x0 + words[0], x1 + words[1]
    for turn in range(5):
        for distance in ROTATIONS[turn % 2]:
            x0 = x0 + x1
            x1 = x0 ^ _rotated(x1, distance)
        x0 = x0 + words[(turn + 1) % 3]
        x1 = x1 + words[(turn + 2) % 3] + jnp.uint32(turn + 1)
    return x0, x1


def _rotated(x: Array, distance: int) -> Array:
    left, right = jnp.uint32(distance), jnp.uint32(32 - distance)
    return lax.shift_left(x, left) | lax.shift_right_logical(x, right)


def _numbered(key: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    count = lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    return threefry(key, jnp.zeros_like(count), count)


def _seed(seed: Array) -> Array:
    return jax.random.key_data(jax.random.key(seed))


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    return jnp.stack(_numbered(key, shape), axis=-1)


def _random_bits(key: Array, width: int, shape: tuple[int, ...]) -> Array:
    if width == 8:
        return _bytes(key, shape)
    x0, x1 = _numbered(key, shape)
    return (x0 ^ x1).astype(UINTS[width])


def _bytes(key: Array, shape: tuple[int, ...]) -> Array:
    count = lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    word = _mixed(_mixed(count + key[0]) ^ key[1])
    return lax.shift_right_logical(word, jnp.uint32(24)).astype(jnp.uint8)


def _mixed(x: Array) -> Array:
    """Murmur3's finaliser: every bit of x sways every bit of the result."""
    x = (x ^ lax.shift_right_logical(x, jnp.uint32(16))) * jnp.uint32(0x85EBCA6B)
    x = (x ^ lax.shift_right_logical(x, jnp.uint32(13))) * jnp.uint32(0xC2B2AE35)
    return x ^ lax.shift_right_logical(x, jnp.uint32(16))


def _fold_in(key: Array, data: Any) -> Array:
    return jnp.stack(threefry(key, jnp.zeros((), jnp.uint32), jnp.asarray(data, jnp.uint32)))


THREEFRY = jax.extend.random.define_prng_impl(
    key_shape=(2,),
    seed=_seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="threefry2x32-straight",
    tag="tfs",
)

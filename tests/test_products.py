"""The products that the benchmark of a step's parts finds in it."""

from __future__ import annotations

import math

import jax

from benchmarks.flops import step_flops
from benchmarks.products import adam_alone, newborn, products


def test_the_products_of_a_compiled_step_are_those_that_it_must_have():
    flops = 0
    for a, b, i, j in products():
        assert a[i] == b[j]
        flops += 2 * math.prod(a) * math.prod(b) // a[i]
    assert abs(flops / step_flops() - 1) < 0.05


def test_adam_alone_moves_all_weights():
    before, after = newborn(), adam_alone(newborn(), 3)
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert old.shape == new.shape
    moved = jax.tree.leaves({k: v.params for k, v in after.items()})
    stood = jax.tree.leaves({k: v.params for k, v in before.items()})
    assert any((a != b).any() for a, b in zip(moved, stood, strict=True))

"""Detectors that were fitted once, for one epoch on one small table, and serve every test.

A fit compiles one program for each shape of table, which takes seconds. So every table here has
64 rows to train on and becomes five features, frames and arrays alike, and what ``fitted`` gives
is shared: to change it, take a copy.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache

import jax
import numpy as np
import polars as pl

from alad import estimators
from alad.estimators import NetworkDetector

N = 64
RNG = np.random.default_rng(5)
X = RNG.normal(2, 3, size=(N, 2)) @ RNG.normal(size=(2, 5)) + RNG.normal(size=(N, 5))
NEW = RNG.normal(2, 3, size=(30, 5))

# Three columns that become five features: size, is it missing, and three kinds of proto.
FRAME = pl.DataFrame(
    {
        "size": [None if i % 9 == 0 else float(v) for i, v in enumerate(X[:, 0])],
        "proto": [(None, "tcp", "udp", "tcp")[i % 4] for i in range(N)],
    }
)
NEW_FRAME = pl.DataFrame(
    {"proto": ["udp", None, "icmp", "tcp"], "size": [None, 1.5, float("nan"), -3.0]}
)

SETTINGS = {"epochs": 1, "batch_size": 16, "search_steps": 2}  # where a detector knows them
DETECTORS = tuple(estimators.DETECTORS.values())
NETWORKS = tuple(cls for cls in DETECTORS if issubclass(cls, NetworkDetector))


@contextmanager
def compiled_quickly():
    """As the fixture of that name, for what is shared between tests."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield


def new(cls, **settings):
    """An unfitted detector of a small size."""
    known = cls().get_params()
    small = {name: value for name, value in SETTINGS.items() if name in known}
    return cls(random_state=0, **(small | settings))


@lru_cache(maxsize=256)
def fitted(cls, table="array", **settings):
    """A detector that was fitted on X or FRAME."""
    with compiled_quickly():
        return new(cls, **settings).fit({"array": X, "frame": FRAME}[table])


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))

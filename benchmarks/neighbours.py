"""The choices in how ``ALAD()`` scores, each of which can be undone to see what it is worth.

Rows of KDDCup99, where many are equal; of two tables of ``alad bench quality``, where few are;
and standard normal rows, which have no structure that a search could use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, lru_cache
from typing import Any
from unittest.mock import patch

import numpy as np

from alad import ALAD
from alad.datasets import adbench, kdd99
from alad.estimators._programs import program
from alad.networks.cells import nearest_in_cells
from alad.networks.nearest import nearest, nearest_at_once

KINDS = ("KDDCup99", "32_shuttle", "30_satellite", "normal")
FIT_ROWS, ROWS, COLUMNS = 50_000, 100_000, 121
FEW_ROWS = 20_000  # to warm up with, and of rows of which none is equal to another
CALLS = 2  # of a measurement


def _one_by_one(function: Callable[[Any], Any], x: np.ndarray) -> Any:
    return function(x)


def _instead_of_cells(search: Callable[..., Any]) -> Mapping[str, Any]:
    def without(x: Any, rows: Any, centres: Any, reach: Any, k: int, sketch: Any) -> Any:
        return search(x, rows, k)

    return {"alad.networks.memory.nearest_in_cells": without}


def _without_sketch(*given: Any) -> Any:
    *others, _ = given
    return nearest_in_cells(*others)


EQUAL_ROWS = {"alad.estimators._adversarial.each_once": _one_by_one}
SKETCHES = {"alad.networks.memory.nearest_in_cells": _without_sketch}
CELLS = _instead_of_cells(nearest)
AT_ONCE = {"alad.networks.memory.nearest": nearest_at_once, **_instead_of_cells(nearest_at_once)}

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "equal rows one by one": EQUAL_ROWS,
    "cells without sketches": SKETCHES,
    "all kept rows looked at": CELLS,
    "all distances, then the nearest": AT_ONCE,
    "all of these": EQUAL_ROWS | AT_ONCE,
}
"""Names, and what stands in their place; the last is how it once was."""


@cache
def rows(kind: str) -> tuple[Any, np.ndarray]:
    """Rows to fit and rows to score."""
    if kind == "KDDCup99":
        frame = kdd99.load().drop(kdd99.LABEL)
        return frame.head(FIT_ROWS), frame.tail(ROWS)
    if kind == "normal":
        x = np.random.default_rng(0).standard_normal((FIT_ROWS, COLUMNS), dtype=np.float32)
        return x, x[:FEW_ROWS] + np.float32(0.01)
    split = adbench.split(kind)
    return split.x_train, split.x_test


@cache
def fitted(kind: str) -> ALAD:
    """A detector whose networks are untrained: the time does not depend on their weights."""
    return ALAD(epochs=0, random_state=0).fit(rows(kind)[0])


class Variant:
    """Scoring with some names standing for others; what it compiles is its own."""

    def __init__(self, undone: Mapping[str, Any]) -> None:
        own = lru_cache(program.__wrapped__)
        self.changes = {**undone, "alad.estimators._network.program": own}

    def rows_per_second(self, kind: str) -> float:
        """Rows scored a second, after one call to warm up."""
        detector, x = fitted(kind), rows(kind)[1]
        with ExitStack() as changes:
            for name, other in self.changes.items():
                changes.enter_context(patch(name, other))
            detector.score_samples(x[:FEW_ROWS])
            began = time.perf_counter()
            for _ in range(CALLS):
                detector.score_samples(x)
            return CALLS * len(x) / (time.perf_counter() - began)

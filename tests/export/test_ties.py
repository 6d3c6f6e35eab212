"""Kept rows that are equally near: how far they may move a score, and what they do not excuse."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from alad import ALAD
from alad.export import compare, scores, to_onnx
from alad.export.ties import _width, leeway
from alad.scores.memory import LOCALITY, NEIGHBOURS
from tests.estimators.small import X, fitted

NEAR = np.c_[np.linspace(0.1, 0.9, NEIGHBOURS - 1), np.zeros(NEIGHBOURS - 1)]
TIED = np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0]])
RADII = np.r_[np.full(NEIGHBOURS - 1, 2.0), 1.0, 3.0, 5.0]


def width(x, kept, radius=RADII, least=None, locality=LOCALITY):
    least = np.zeros(len(kept)) if least is None else least
    memory = SimpleNamespace(rows=kept, radius=radius, least=least, unit=np.array([0.5]))
    x = np.array(x, np.float32)
    return _width(memory, x, x, locality)


def test_one_of_three_rows_that_are_equally_near_may_count():
    of_others = 2.0 * (NEIGHBOURS - 1)
    low, high = ((of_others + radius) / NEIGHBOURS + 0.5 for radius in (1, 5))
    expected = LOCALITY * math.log(high / low)
    assert width([0, 0], np.r_[NEAR, TIED]) == pytest.approx(expected)
    assert width([0, 0], np.r_[NEAR, TIED], np.full(len(RADII), 2.0)) == 0


def test_without_ties_nothing_is_open():
    assert width([0, 0], np.r_[NEAR, TIED * [[1], [1.1], [1.2]]]) == 0


def test_the_row_itself_is_no_neighbour():
    kept = np.r_[NEAR[1:], [[0.0, 0.0]], TIED]
    low, high = ((2.0 * 8 + radii) / NEIGHBOURS + 0.5 for radii in (1 + 3, 3 + 5))
    assert width([0, 0], kept) == pytest.approx(LOCALITY * math.log(high / low))


def test_of_rows_that_are_equally_near_one_may_count_as_farther():
    least = np.r_[np.full(NEIGHBOURS - 1, 9.0), 0, 0.2, 4]
    expected = (math.log(4 + 0.5) - math.log(1 + 0.5)) / NEIGHBOURS
    assert width([0, 0], np.r_[NEAR, TIED], least=least, locality=0) == pytest.approx(expected)


def test_only_scores_that_look_at_kept_rows_are_excused():
    everywhere = np.ones(len(X), np.bool_)
    assert not leeway(fitted(ALAD, "array", anomaly_score="features"), X, everywhere).any()


def test_ties_do_not_excuse_another_score(monkeypatch):
    detector = fitted(ALAD, "array", anomaly_score="memory")
    right = scores.SCORES["memory"]
    monkeypatch.setitem(scores.SCORES, "memory", lambda networks, x: 1.01 * right(networks, x))
    found = compare(to_onnx(detector).SerializeToString(), detector, [X])
    assert found.largest > 0.005
    assert found.ties == 0

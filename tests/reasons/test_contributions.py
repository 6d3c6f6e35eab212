"""What adds up, and what does not count."""

from __future__ import annotations

import numpy as np
import pytest

from alad.reasons import contributions as module
from alad.reasons.contributions import contributions

COLUMN = np.array([0, 1, 1, 2])
X = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
E = np.zeros((2, 4))


def test_of_a_sum_each_column_has_its_own_part():
    found, score, expected = contributions(lambda x: x.sum(axis=1), X, E, COLUMN, 3)
    assert found == pytest.approx(np.array([[1, 5, 4], [5, 13, 8.0]]))
    assert score.tolist() == [10, 26]
    assert expected.tolist() == [0, 0]


def test_what_columns_do_together_is_shared():
    found, *_ = contributions(lambda x: x[:, 0] * x[:, 1] * x[:, 3], X, E, COLUMN, 3)
    assert found[0] == pytest.approx([8 / 3] * 3)  # each alone takes all of it: 3 * 8 - 16


def test_what_needs_two_columns_to_fall_is_shared_too():
    found, *_ = contributions(lambda x: np.maximum(x[:, 0], x[:, 3]), X[:, :], E, COLUMN, 3)
    assert found[1].sum() == pytest.approx(8)
    assert found[1, 2] > found[1, 0] > 0


def test_a_column_as_expected_adds_nothing():
    e = X.copy()
    e[:, 0] = 0
    found, *_ = contributions(lambda x: np.exp(x).sum(axis=1), X, e, COLUMN, 3)
    assert (found[:, 1:] == 0).all()
    assert found[:, 0] == pytest.approx(np.exp(X[:, 0]) - 1)


def test_a_row_that_is_its_own_expectation_has_no_reasons():
    found, *_ = contributions(lambda x: x.sum(axis=1), X, X, COLUMN, 3)
    assert (found == 0).all()


def test_blocks_change_nothing(monkeypatch):
    def judge(x):
        return np.sqrt(np.square(x).sum(axis=1))

    whole = contributions(judge, X, E, COLUMN, 3)[0]
    monkeypatch.setattr(module, "BLOCK", 1)
    assert np.array_equal(contributions(judge, X, E, COLUMN, 3)[0], whole)

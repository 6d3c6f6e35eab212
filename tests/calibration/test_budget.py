"""Budgets: never more than so many, whatever the batches, ties and groups."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from alad.calibration import Budget
from alad.errors import InputError


def by_hand(groups, scores, most):
    rows = []
    for group in set(groups):
        own = [i for i, g in enumerate(groups) if g == group]
        rows += sorted(own, key=lambda i: (-scores[i], i))[:most]
    return sorted(rows)


@pytest.mark.parametrize("batch", [1, 7, 100])
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_batches_change_nothing(batch, most):
    rng = np.random.default_rng(0)
    groups = rng.choice(["a", "b", "c", None], 100).tolist()
    scores = rng.integers(0, 10, 100).astype(float)  # ties
    budget = Budget(most)
    for start in range(0, 100, batch):
        part = slice(start, start + batch)
        budget.add(pl.Series(groups[part], dtype=pl.String), scores[part])
    assert budget.rows().tolist() == by_hand(groups, scores, most)
    assert budget.groups == 4


def test_of_equal_scores_the_earlier_row_goes_first():
    budget = Budget(2)
    budget.add(["a"] * 4, [1.0, 1.0, 1.0, 1.0])
    assert budget.rows().tolist() == [0, 1]
    assert budget.lowest() == 1.0


def test_no_rows_no_alerts():
    assert Budget(3).rows().tolist() == []
    assert Budget(3).lowest() is None
    assert Budget(3).groups == 0


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3"])
def test_no_budget_is_refused(most):
    with pytest.raises(InputError, match="a budget of at least 1 alert"):
        Budget(most)


def test_a_group_for_each_score():
    with pytest.raises(InputError, match="a group for each of 2 scores; got 1"):
        Budget(1).add(["a"], [1.0, 2.0])


def test_what_is_no_number_takes_no_place():
    budget = Budget(1)
    with pytest.raises(InputError, match="got 1 that are NaN"):
        budget.add(["a"] * 3, [5.0, np.nan, 9.0])
    assert (budget.seen, budget.groups) == (0, 0)


def test_a_whole_number_is_the_same_group_beside_a_gap():
    budget = Budget(1)
    budget.add(pl.Series([1, 2]), [5.0, 4.0])
    budget.add(pl.Series([1.0, None, 2.5, float("nan")]), [3.0, 2.0, 1.0, 0.0])
    assert budget.rows().tolist() == [0, 1, 3, 4, 5]
    assert budget.groups == 5

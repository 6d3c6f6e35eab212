"""Which columns moved: numbers, categories, and columns of several features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from alad.calibration import moved
from alad.errors import InputError

RNG = np.random.default_rng(1)
COLUMNS = ["size", "same", "proto"]
OF = np.array([0, 0, 1, 2, 2])  # size and whether it is missing; a number; two categories
BINARY = np.array([False, True, False, True, True])


def rows(n, *, shift=0.0, gaps=0.1, tcp=0.5):
    kind = RNG.random(n) < tcp
    return np.column_stack(
        [RNG.normal(shift, 1, n), RNG.random(n) < gaps, RNG.normal(size=n), kind, ~kind]
    ).astype(np.float32)


def found(old, new, **how):
    return {column.column: column for column in moved(old, new, COLUMNS, OF, BINARY, **how)}


def test_nothing_moved():
    assert not any(column.moved for column in found(rows(500), rows(400)).values())


@pytest.mark.parametrize(
    ("change", "column", "test"),
    [
        ({"shift": 1.0}, "size", "Kolmogorov-Smirnov"),
        ({"gaps": 0.6}, "size", "chi-square"),
        ({"tcp": 0.9}, "proto", "chi-square"),
    ],
)
def test_what_moved_comes_first_with_its_effect(change, column, test):
    listed = moved(rows(500), rows(400, **change), COLUMNS, OF, BINARY)
    assert [one.column for one in listed if one.moved] == [column]
    assert listed[0].column == column
    assert listed[0].test == test
    assert 0.3 < listed[0].effect < 0.6


def test_values_are_scipys():
    old, new = rows(500), rows(400, tcp=0.6)
    by = found(old, new)
    assert by["same"].p == pytest.approx(ks_2samp(old[:, 2], new[:, 2], method="asymp").pvalue)
    counts = [[part[:, 3].sum(), part[:, 4].sum()] for part in (old, new)]
    assert by["proto"].p == pytest.approx(chi2_contingency(counts, correction=False).pvalue)
    shares = np.array(counts) / np.sum(counts, axis=1, keepdims=True)
    assert by["proto"].effect == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)


def test_a_category_that_was_never_seen_is_one_of_its_own():
    old, new = rows(500), rows(400)
    new[:100, 3:] = 0
    assert found(old, new)["proto"].effect == pytest.approx(0.25, abs=0.05)


def test_a_truth_that_went_missing_is_neither_true_nor_false():
    old, new = rows(500), rows(400)
    new[:150, 1] = 2  # what a gap of a boolean is
    assert found(old, new)["size"].effect > 0.3


def test_rare_categories_and_constants_give_numbers():
    old, new = np.zeros((20, 5)), np.zeros((20, 5))
    old[0, 3] = 1
    by = found(old, new)
    assert by["same"].effect == 0
    assert by["proto"].p > 0.01


@pytest.mark.parametrize("new", [np.zeros((0, 5)), np.zeros((3, 4))])
def test_other_shapes_are_refused(new):
    with pytest.raises(InputError, match="rows of 5 features in both tables"):
        moved(np.zeros((3, 5)), new, COLUMNS, OF, BINARY)


def test_numbers_that_are_none_are_refused():
    old, new = np.zeros((9, 1)), np.full((9, 1), 5.0)
    new[3] = np.nan
    with pytest.raises(InputError, match="some that are NaN or infinite"):
        moved(old, new, ["a"], np.arange(1), np.zeros(1, bool))


@pytest.mark.parametrize("n", [1, 10, 30])
def test_few_rows_of_rare_categories_are_not_told_as_moved(n):
    """By the distribution of many rows one in eleven would be."""
    rng = np.random.default_rng(0)
    shares = [0.9, 0.07, 0.02, 0.007, 0.003]
    old = np.eye(5)[rng.choice(5, 5000, p=shares)]
    told = 0
    for _ in range(100):
        new = np.eye(5)[rng.choice(5, n, p=shares)]
        told += moved(old, new, ["kind"], np.zeros(5, int), np.ones(5, bool))[0].moved
    assert told <= 4


def test_few_rows_of_another_category_have_moved():
    old = np.eye(3)[np.arange(3000) % 2]
    new = np.eye(3)[[2] * 6]
    (found,) = moved(old, new, ["kind"], np.zeros(3, int), np.ones(3, bool))
    assert found.moved
    assert found.p == pytest.approx(1e-4)

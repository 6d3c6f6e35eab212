"""ADBench's archives: how they are divided, and every way a file can be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alad.datasets import DATA_SETS, adbench
from alad.errors import DataSetError, InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(110, 3))
Y = np.arange(110) >= 100


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    path = tmp_path / "made.npz"
    np.savez(path, X=X, y=Y.astype(int))
    monkeypatch.setattr(adbench, "find", lambda file: path)
    return path


def test_half_of_the_normal_rows_are_trained_on(made_up):
    data = adbench.split("6_cardio", seed=1)
    assert (data.x_train.shape, data.x_test.shape, data.y_test.sum()) == ((50, 3), (60, 3), 10)
    assert not Y[data.rows_train].any()
    again = adbench.split("6_cardio", seed=2)
    assert data.fingerprint != again.fingerprint
    assert set(data.rows_train) != set(again.rows_train)


def test_some_anomalies_are_left_in_training(made_up):
    data = adbench.split("6_cardio", adbench.PROTOCOLS["contaminated"], seed=1)
    left = Y[data.rows_train].sum()
    assert (left, len(data.rows_train), data.y_test.sum()) == (3, 53, 7)  # 3 of 53: 5 %
    assert not set(data.rows_train) & set(data.rows_test)


def test_half_of_the_anomalies_at_most_are_left(made_up):
    much = replace(adbench.PROTOCOLS["contaminated"], left_in_train=0.5)
    assert Y[adbench.split("6_cardio", much, seed=1).rows_train].sum() == 5


def test_anomalies_are_only_left_where_all_are_tested_on(made_up):
    wrong = replace(adbench.PROTOCOLS["contaminated"], all_anomalies_to_test=False)
    with pytest.raises(InputError, match="left_in_train"):
        adbench.split("6_cardio", wrong)


def test_each_table_is_a_data_set():
    assert len(adbench.FILES) == 10
    assert set(adbench.FILES) <= set(DATA_SETS)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"X": X}, "KeyError"),
        ({"X": X, "y": Y[:5]}, r"y is bool \(5,\)"),
        ({"X": X, "y": np.full(110, 2)}, "y holds 2"),
        ({"X": np.where(X > 2, np.nan, X), "y": Y}, "X holds NaN"),
        ({"X": X.astype(str), "y": Y}, "X is <U"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, content, fault):
    np.savez(tmp_path / "odd.npz", **content)
    with pytest.raises(DataSetError, match=fault):
        adbench.read(tmp_path / "odd.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "odd.npz").write_text("X,y\n")
    with pytest.raises(DataSetError, match="as an archive of NumPy; "):
        adbench.read(tmp_path / "odd.npz")

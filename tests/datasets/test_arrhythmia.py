"""Arrhythmia: known counts, the three protocols, and every way a file can be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from sklearn.model_selection import train_test_split

from alad.datasets import arrhythmia
from alad.errors import DataSetError, InputError

X, Y = np.eye(4), np.array([[0], [1], [0], [1]], np.uint8)


@pytest.fixture(scope="module")
def rows():
    return arrhythmia.load()


def splits(name, seed=42):
    return arrhythmia.split(arrhythmia.PROTOCOLS[name], seed=seed)


def test_the_file_has_the_known_counts(rows):
    x, is_arrhythmia = rows
    assert (x.shape, x.dtype) == ((452, 274), np.float32)
    assert (is_arrhythmia.sum(), is_arrhythmia.dtype) == (66, np.bool_)
    assert (np.ptp(x, axis=0) == 0).sum() == 17
    assert (x.min(), x.max()) == (np.float32(-242.4), 780)
    assert x[0, :5].tolist() == [75, 0, 190, 80, 91]  # age, sex, cm, kg, ms of QRS: not scaled


@pytest.mark.parametrize(
    ("name", "train", "valid", "test", "anomalies"),
    [
        ("paper", 226, 81, 91, 12),
        ("released-code", 226, 0, 226, 32),
        ("one-class", 193, 0, 259, 66),
    ],
)
def test_splits_have_the_known_sizes(name, train, valid, test, anomalies):
    data = splits(name)
    assert data.x_train.shape == (train, 274)
    assert data.x_valid.shape == (valid, 274)
    assert data.x_test.shape == (test, 274)
    assert data.y_test.sum() == anomalies


@pytest.mark.parametrize("name", arrhythmia.PROTOCOLS)
def test_split_rows_hold_the_rows_of_the_file(rows, name):
    x, is_arrhythmia = rows
    data = splits(name, seed=7)
    parts = [data.rows_train, data.rows_valid, data.rows_test]
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    np.testing.assert_array_equal(data.x_train, x[data.rows_train])
    np.testing.assert_array_equal(data.x_valid, x[data.rows_valid])
    np.testing.assert_array_equal(data.x_test, x[data.rows_test])
    np.testing.assert_array_equal(data.y_test, is_arrhythmia[data.rows_test])
    assert (data.kind_test == np.where(data.y_test, "arrhythmia", "normal")).all()
    assert (data.feature_names[0], data.feature_names[-1]) == ("x0", "x273")
    assert data.is_categorical.tolist() == [False] * 274


@pytest.mark.parametrize(("name", "anomalies"), [("paper", 0), ("released-code", 34)])
def test_anomalies_stay_in_training_only_in_the_released_code(rows, name, anomalies):
    data = splits(name)
    assert rows[1][data.rows_train].sum() == anomalies
    assert rows[1][data.rows_valid].sum() == 0


def test_released_code_has_the_very_rows_of_the_authors(rows):
    train, test, _, y_test = train_test_split(*rows, test_size=0.5, random_state=42)
    data = splits("released-code")
    np.testing.assert_array_equal(data.x_train, train)
    np.testing.assert_array_equal(data.x_test, test)
    np.testing.assert_array_equal(data.y_test, y_test)


def test_one_class_trains_on_half_of_the_normal_rows(rows):
    data = splits("one-class")
    assert not rows[1][data.rows_train].any()
    assert data.rows_train.size + data.rows_test.size == 452
    assert data.protocol.flagged is None


@pytest.mark.parametrize("change", [{"anomaly": "normal"}, {"test_size": 1.0}])
def test_impossible_protocol_is_refused(change):
    with pytest.raises(InputError, match=r"anomaly 'arrhythmia', .*PROTOCOLS: paper, released-c"):
        arrhythmia.split(replace(arrhythmia.PROTOCOLS["paper"], **change))


def test_a_protocol_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(InputError, match="of 452 rows it leaves 0 and 452"):
        arrhythmia.split(replace(arrhythmia.PROTOCOLS["paper"], test_size=0.999))


def test_another_file_in_its_place_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    path = tmp_path / "arrhythmia" / "arrhythmia.mat"
    path.parent.mkdir()
    scipy.io.savemat(path, {"X": X, "y": Y})
    with pytest.raises(DataSetError, match=arrhythmia.FILE.sha256):
        arrhythmia.split()


def test_a_file_of_that_form_is_read(tmp_path):
    path = tmp_path / "own.data"
    scipy.io.savemat(path, {"X": X, "y": Y}, appendmat=False)
    x, is_arrhythmia = arrhythmia.read(path)
    np.testing.assert_array_equal(x, X)
    assert is_arrhythmia.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"X": X}, "it holds X"),
        ({}, "it holds nothing"),
        ({"X": X, "y": Y[:3]}, r"X is float64 \(4, 4\), y is uint8 \(3, 1\)"),
        ({"X": X, "y": Y + 1}, "y holds 1, 2"),
        ({"X": np.full((4, 4), np.nan), "y": Y}, "X holds NaN or infinity"),
        ({"X": np.full((4, 4), "a"), "y": Y}, "X is <U"),
        ({"X": np.zeros((0, 4)), "y": Y[:0]}, r"X is float64 \(0, 4\)"),
    ],
    ids=["no y", "empty", "too few labels", "labels 1 and 2", "not finite", "text", "no rows"],
)
def test_content_of_another_form_is_a_data_set_error(tmp_path, content, found):
    path = tmp_path / "other.mat"
    scipy.io.savemat(path, content)
    with pytest.raises(DataSetError, match=rf"(?s)Expected .*other\.mat to hold X.*; {found}.*own"):
        arrhythmia.read(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:150] + b"\xff" * 50 + data[200:],
        lambda data: b"",
        lambda data: b"not MATLAB at all " * 20,
    ],
    ids=["truncated", "other bytes", "empty", "text"],
)
def test_damaged_content_is_a_data_set_error(tmp_path, damage):
    path = tmp_path / "damaged.mat"
    scipy.io.savemat(path, {"X": X, "y": Y})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataSetError, match=r"damaged\.mat to hold X.*Delete the file"):
        arrhythmia.read(path)


def test_a_missing_file_is_a_data_set_error(tmp_path):
    with pytest.raises(DataSetError, match=r"gone\.mat to hold X"):
        arrhythmia.read(tmp_path / "gone.mat")

"""Dividing rows by a protocol: what goes where, what a seed settles, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alad.datasets import DATA_SETS, Protocol, adbench
from alad.datasets._protocols import check, divide, fingerprint
from alad.datasets.kdd99 import TEN_PERCENT
from alad.errors import InputError

STORED = Path(__file__).parents[2] / "benchmarks/results/kdd99-paper-none-full.json"
STRANGE = np.arange(1000) % 4 == 0
HALVES = Protocol("halves", test_size=0.5, valid_size=0.0, anomaly="odd", flagged=None)
ONE_CLASS = replace(HALVES, all_anomalies_to_test=True)


def test_shares_are_of_all_rows_and_then_of_the_rest():
    keeping = replace(HALVES, test_size=0.2, valid_size=0.25, keep_anomalies_in_train=True)
    parts = divide(STRANGE, keeping, 0)
    assert [len(rows) for rows in parts] == [600, 200, 200]
    assert sorted(np.concatenate(parts)) == list(range(1000))
    assert all(STRANGE[rows].any() for rows in parts)


def test_anomalies_leave_training_and_validation():
    dropping = replace(HALVES, test_size=0.2, valid_size=0.25)
    keeping = replace(dropping, keep_anomalies_in_train=True)
    *kept, test = divide(STRANGE, keeping, 0)
    *dropped, same_test = divide(STRANGE, dropping, 0)
    for fewer, rows in zip(dropped, kept, strict=True):
        assert fewer.tolist() == rows[~STRANGE[rows]].tolist()
        assert 0 < len(fewer) < len(rows)
    np.testing.assert_array_equal(test, same_test)


def test_one_class_tests_every_anomaly_and_a_share_of_the_normal_rows():
    train, valid, test = divide(STRANGE, replace(ONE_CLASS, test_size=0.2, valid_size=0.5), 0)
    assert (len(train), len(valid), len(test)) == (300, 300, 150 + 250)
    assert not STRANGE[np.append(train, valid)].any()
    assert STRANGE[test].sum() == 250
    assert sorted(np.concatenate([train, valid, test])) == list(range(1000))
    assert STRANGE[test[:150]].any(), "the anomalies stand together at the end"


@pytest.mark.parametrize("protocol", [HALVES, ONE_CLASS])
def test_anomalies_of_the_test_can_be_capped(protocol):
    whole = divide(STRANGE, protocol, 0)[2]
    capped = divide(STRANGE, replace(protocol, test_anomaly_cap=0.1), 0)[2]
    assert STRANGE[whole].mean() > 0.2
    assert 0.09 < STRANGE[capped].mean() <= 0.1
    assert capped[~STRANGE[capped]].tolist() == whole[~STRANGE[whole]].tolist()
    assert set(capped) <= set(whole)
    roomy = divide(STRANGE, replace(protocol, test_anomaly_cap=0.9), 0)[2]
    np.testing.assert_array_equal(roomy, whole)


@pytest.mark.parametrize("protocol", [HALVES, ONE_CLASS])
def test_the_seed_decides_the_rows(protocol):
    first, again, other = (divide(STRANGE, protocol, seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(first[2]) != set(other[2])


@pytest.mark.parametrize(
    ("strange", "changes", "left"),
    [
        (STRANGE, {"test_size": 0.9999}, "0 and 1000"),
        (STRANGE, {"valid_size": 0.9999}, "0 and 500"),
        (np.ones(10, bool), {}, "0 and 5"),
        (np.zeros(0, bool), {}, "0 and 0"),
    ],
    ids=["all tested", "all validated", "all strange", "no rows"],
)
def test_a_protocol_that_leaves_no_rows_is_refused(strange, changes, left):
    with pytest.raises(InputError, match=f"'halves' to leave rows.*it leaves {left}.*test_size"):
        divide(strange, replace(HALVES, **changes), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"test_size": 0.0},
        {"test_size": float("nan")},
        {"valid_size": 1.0},
        {"test_anomaly_cap": 1.0},
        {"anomaly": "x"},
        {"keep_anomalies_in_train": True, "all_anomalies_to_test": True},
    ],
)
def test_impossible_protocol_is_refused(change):
    check(HALVES, ("odd", "even"), {"paper": HALVES})
    expected = r"Expected a protocol with 0 < test_size < 1.*'odd' or 'even'.*PROTOCOLS: paper\."
    with pytest.raises(InputError, match=expected):
        check(replace(HALVES, **change), ("odd", "even"), {"paper": HALVES})


# ------------------------------------------------------------------------- fingerprints


def test_fingerprint_is_the_one_in_stored_results():
    data = json.loads(STORED.read_text("utf-8"))["payload"]["data"]
    protocol = Protocol(**data["protocol"])
    assert fingerprint(TEN_PERCENT.sha256, protocol, 42) == data["fingerprint"]
    assert DATA_SETS["kdd99"].protocols["paper"] == protocol


def test_file_protocol_and_seed_decide_the_fingerprint():
    protocols = {p for data_set in DATA_SETS.values() for p in data_set.protocols.values()}
    settings = [*protocols, HALVES, ONE_CLASS, replace(HALVES, test_size=0.4)]
    marks = {fingerprint(file, p, s) for file in "ab" for p in settings for s in (42, 43)}
    assert len(marks) == 2 * len(settings) * 2


# ---------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)
def test_every_protocol_is_known_by_its_name_and_has_a_source(data_set):
    assert DATA_SETS[data_set.name] is data_set
    in_the_paper = not data_set.pictures and data_set.name not in adbench.FILES
    assert ("paper" in data_set.protocols) == in_the_paper
    for name, protocol in data_set.protocols.items():
        assert name == protocol.name
        assert protocol.source

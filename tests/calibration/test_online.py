"""Decisions on a stream: levels by hand, what is promised of them, and the state as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.signal import lfilter

from alad.calibration import OnlineFDR, conformal_p_values
from alad.errors import InputError


def levels(online, p):
    """The level of each row, and which were discoveries."""
    found = []
    for one in p:
        found.append((online.level, bool(online.decide([one])[0])))
    return map(np.array, zip(*found, strict=True))


def remembered(x, memory):
    """Σ δ^{t-i} x_i for every t."""
    return lfilter([1], [1, -(1 - 1 / memory)], np.asarray(x, float))


def test_levels_by_hand():
    online = OnlineFDR(0.1, 999, memory=20)  # δ = 0.95, κ = 0.8
    online.decide([0.0, 1.0, 0.0, 1.0])  # discoveries at 1 and 3; the next is the 5th

    def share(s):
        return 0.95**s * 0.2 * 0.8 ** (s - 1)

    assert online.level == pytest.approx(0.1 * (0.05 + share(4) + share(2)))


def test_a_row_beyond_all_calibration_rows_is_found_after_any_silence():
    online = OnlineFDR(0.05, 999)
    assert not online.decide(np.full(100_000, 0.0011)).any()
    assert online.decide([1 / 1000]).all()


@pytest.mark.parametrize("seed", range(40))
def test_what_is_spent_is_never_more_than_what_alerts_allow(seed):
    rng = np.random.default_rng(seed)
    fdr, memory = rng.uniform(0.01, 0.9), rng.uniform(2, 40)
    p = rng.random(60) ** rng.integers(1, 9)
    online = OnlineFDR(fdr, int(50 / fdr), memory)
    spent, found = levels(online, p)
    allowed = fdr * (1 + remembered(found, memory))
    assert (remembered(spent, memory) <= allowed * (1 + 1e-9)).all()
    assert online.discoveries == found.sum()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_the_rate_holds_among_the_last_alerts_of_one_calibration(share):
    rng = np.random.default_rng(0)
    last, power = [], []
    for _ in range(200):
        is_anomaly = rng.random(1000) < share
        scores = rng.normal(size=1000) + 4 * is_anomaly
        online = OnlineFDR(0.1, 1000)
        found = online.decide(conformal_p_values(rng.normal(size=1000), scores))
        false, all_ = (remembered(x, online.memory) for x in (found & ~is_anomaly, found))
        last.append(false / (1 + all_))
        power.append(found[is_anomaly].mean() if is_anomaly.any() else np.nan)
    mean = np.mean(last, axis=0)
    assert mean.max() <= 0.1 + 3 * np.std(last, axis=0).max() / np.sqrt(200)
    assert mean.mean() <= 0.1
    if share:
        assert np.mean(power) > {0.02: 0.6, 0.3: 0.85}[share]


def test_a_stream_goes_on_from_its_state():
    p = np.random.default_rng(1).random(200) ** 6
    whole, first = OnlineFDR(0.2, 99), OnlineFDR(0.2, 99)
    one = first.decide(p[:90])
    second = OnlineFDR.from_json(json.loads(json.dumps(first.to_json())))
    assert np.array_equal(whole.decide(p), np.append(one, second.decide(p[90:])))
    assert second.to_json() == whole.to_json()
    assert 0 < whole.discoveries < whole.seen == 200


@pytest.mark.parametrize(
    "change",
    [
        {"fdr": 2},
        {"fdr": "0.1"},
        {"memory": 1},
        {"memory": float("inf")},
        {"memory": 10**400},
        {"memory": 1e308},
        {"seen": 10**4000},
        {"memory": True},
        {"seen": None},
        {"seen": -5, "discoveries": -6},
        {"discoveries": 9},
        {"discoveries": 1.5},
        {"gained": 1.5},
        {"gained": float("nan")},
        {"rule": "LORD++"},
    ],
)
def test_another_state_is_refused(change):
    state = {**OnlineFDR(0.1, 99).to_json(), "seen": 5, "discoveries": 2}
    OnlineFDR.from_json(state)
    with pytest.raises(InputError, match="Expected a state as to_json gives it"):
        OnlineFDR.from_json(state | change)
    for other in ({}, [], None):
        with pytest.raises(InputError, match="Expected a state as to_json gives it"):
            OnlineFDR.from_json(other)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0.1, 0), "calibration_rows as a whole number above 0; got 0"),
        ((0.1, 10**400), "calibration_rows as a whole number above 0; got 1000"),
        ((0.1, 99.5), r"calibration_rows as a whole number above 0; got 99\.5"),
        ((0.05, 38), "at least 39 calibration rows for a false discovery rate of 0.05 on a stream"),
        ((0.1, 99, 11), "a memory of 2 to 10 rows, with 99 calibration rows and a rate of 0.1"),
        ((0.1, 99, 1), "a memory of 2 to 10 rows"),
        ((0.1, 99, "5"), "a memory of 2 to 10 rows"),
        ((1.0, 99), "a false discovery rate between 0 and 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments, told):
    with pytest.raises(InputError, match=told):
        OnlineFDR(*arguments)


def test_bad_p_values_are_refused():
    online = OnlineFDR(0.1, 99)
    with pytest.raises(InputError, match="p-values"):
        online.decide([0.5, 1.5])
    with pytest.raises(InputError, match=r"Expected p-values in a row; got 0\.01\. Pass \[0\.01\]"):
        online.decide(0.01)
    with pytest.raises(InputError, match="Expected p-values in a row"):
        online.decide(np.array(0.5))
    assert online.seen == 0


def test_no_p_values_are_no_decisions():
    online = OnlineFDR(0.1, 99)
    assert online.decide([]).tolist() == []
    assert online.decide(np.zeros(0)).tolist() == []
    assert online.seen == 0

"""LORD++: the formula by hand, its promise on a simulated stream, and its state as JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import gammaincc

from alad.calibration import OnlineFDR
from alad.calibration.online import _gamma, _sum_of_gamma
from alad.errors import InputError


def gamma(t):
    return 0.0722 * math.log(max(t, 2)) / (t * math.exp(math.sqrt(math.log(t)))) if t > 0 else 0.0


def test_levels_by_hand():
    online = OnlineFDR(0.1)
    assert online.level == pytest.approx(0.05 * gamma(1))
    online.decide([0.0, 1.0, 0.0, 1.0])  # discoveries at 1 and 3; the next is the 5th
    wanted = 0.05 * gamma(5) + 0.05 * gamma(4) + 0.1 * gamma(2)
    assert online.level == pytest.approx(wanted)


def test_what_is_spent_sums_to_at_most_the_level():
    first = _gamma(np.arange(1.0, 1e6)).sum()
    rest = 0.0722 * 2 * 6 * gammaincc(4, math.sqrt(math.log(1e6)))  # its integral from there on
    assert 0.9 < first + rest <= 1


def test_steps_of_gamma_are_nowhere_above_the_papers_and_hardly_below():
    ages = np.unique(np.geomspace(1, 2**31 - 2**26, 3000).astype(int))
    ours = np.array([_sum_of_gamma(np.array([0]), int(t)) for t in ages])
    share = ours / _gamma(ages)
    assert share.max() <= 1 + 1e-9
    assert share.min() > 0.96
    assert (np.diff(ours) <= 0).all()
    assert _sum_of_gamma(np.array([0]), 2**33) == 0


def test_a_row_at_its_level_is_a_discovery_however_many_were_made():
    rng = np.random.default_rng(2)
    online = OnlineFDR(0.1)
    for _ in range(3000):
        share = rng.choice([0.999, 1.001])
        assert online.decide([min(online.level * share, 1)]).tolist() == [share < 1]
    p = rng.random(3000) ** 9  # in one go, where levels are looked at only when they matter
    one_by_one, at_once = OnlineFDR(0.1), OnlineFDR(0.1)
    assert [bool(one_by_one.decide([one])[0]) for one in p] == at_once.decide(p).tolist()


def test_the_false_discovery_rate_holds_on_average():
    rng = np.random.default_rng(0)
    fdp, power = [], []
    for _ in range(40):
        is_anomaly = rng.random(1000) < 0.1
        p = np.where(is_anomaly, rng.random(1000) * 1e-6, rng.random(1000))
        found = OnlineFDR(0.1).decide(p)
        fdp.append((found & ~is_anomaly).sum() / max(found.sum(), 1))
        power.append(found[is_anomaly].mean())
    assert np.mean(fdp) <= 0.1
    assert np.mean(power) > 0.9


def test_a_stream_goes_on_from_its_state():
    p = np.random.default_rng(1).random(200) ** 6
    whole, first = OnlineFDR(0.2), OnlineFDR(0.2)
    one = first.decide(p[:90])
    second = OnlineFDR.from_json(json.loads(json.dumps(first.to_json())))
    assert np.array_equal(whole.decide(p), np.append(one, second.decide(p[90:])))
    assert second.to_json() == whole.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"fdr": 2},
        {"seen": None},
        {"seen": -5, "discoveries": []},
        {"discoveries": [3, 2]},
        {"discoveries": [9]},
        {"discoveries": [0]},
        {"discoveries": 1},
        {"seen": 10**30, "discoveries": [10**29]},
        {"rule": "SAFFRON"},
    ],
)
def test_another_state_is_refused(change):
    state = {"rule": "LORD++", "fdr": 0.1, "seen": 5, "discoveries": [2, 3]}
    OnlineFDR.from_json(state)
    with pytest.raises(InputError, match="Expected a"):
        OnlineFDR.from_json(state | change)
    with pytest.raises(InputError, match="a state with fdr, seen and discoveries"):
        OnlineFDR.from_json({})


def test_bad_p_values_are_refused():
    with pytest.raises(InputError, match="p-values"):
        OnlineFDR(0.1).decide([1.5])
    with pytest.raises(InputError, match=r"Expected p-values in a row; got 0\.01\. Pass \[0\.01\]"):
        OnlineFDR(0.1).decide(0.01)


def test_no_p_values_are_no_decisions():
    online = OnlineFDR(0.1)
    assert online.decide([]).tolist() == []
    assert online.seen == 0

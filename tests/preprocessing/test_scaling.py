"""Scaling: each kind against its equation, and against scikit-learn where it has the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from alad.errors import InputError, ModelFormatError
from alad.preprocessing.scaling import BEND, SCALINGS, Scaler, ScalerLearner, fit_scaler


@pytest.fixture
def x() -> np.ndarray:
    """Heavy tail up to 7e8, uniform, negative, constant, binary, rare binary."""
    rng = np.random.default_rng(0)
    n = 20_000  # more than two blocks
    columns = [
        np.minimum(rng.lognormal(5, 4, n), 7e8),
        rng.uniform(size=n),
        rng.normal(-50, 3, n),
        np.full(n, 0.1),
        rng.integers(0, 2, n),
        np.arange(n) == 7,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def test_none_changes_nothing(x):
    np.testing.assert_array_equal(fit_scaler("none", x).transform(x), x)


@pytest.mark.parametrize(("kind", "peer"), [("minmax", MinMaxScaler), ("standard", StandardScaler)])
def test_minmax_and_standard_are_scikit_learns(x, kind, peer):
    expected = peer().fit(x[:15_000].astype(np.float64)).transform(x.astype(np.float64))
    got = fit_scaler(kind, x[:15_000]).transform(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", ["minmax", "standard", "log-standard"])
def test_constant_column_becomes_zero_and_stays_readable(x, kind):
    scaler = fit_scaler(kind, x)
    assert (scaler.transform(x)[:, 3] == 0).all()
    other = x[:1] + np.float32(1)
    assert scaler.transform(other)[0, 3] == pytest.approx(1, abs=1e-6)


def test_log_standard_takes_the_log_of_heavy_tails_only(x):
    scaler = fit_scaler("log-standard", x)
    assert scaler.log.tolist() == [True, False, False, False, False, False]
    y = scaler.transform(x)
    plain = x[:, 0].astype(np.float64)
    logs = np.log1p(plain)
    of_logs, of_plain = ((v - v.mean()) / v.std() for v in (logs, plain))
    expected = np.where(of_plain > 0, np.maximum(of_logs, of_plain), of_logs)
    b, w = BEND
    far = expected > b
    expected[far] = b + w * np.log1p((expected[far] - b) / w)
    assert far.any()
    np.testing.assert_allclose(y[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(y[:, 1:3].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(y[:, 1:3].std(axis=0), 1, atol=1e-4)


def test_a_logged_column_grows_without_a_step(x):
    scaler = fit_scaler("log-standard", x)
    rows = np.repeat(x[:1].astype(np.float64), 4000, axis=0)
    rows[:, 0] = np.linspace(0, 3 * scaler.mean[0], 4000)
    steps = np.diff(scaler.transform(rows)[:, 0])
    assert (steps >= 0).all()
    assert steps[2:].max() < 0.3  # the logarithm's own first steps are larger


def test_far_out_a_logged_column_counts_as_the_plain_one(x):
    scaler = fit_scaler("log-standard", x)
    rows = x[:2].astype(np.float64)
    rows[:, 0] = scaler.mean[0] + scaler.sd[0] * np.array([8.0, 9.0])
    np.testing.assert_allclose(scaler.transform(rows)[:, 0], [8, 9], rtol=1e-6)
    np.testing.assert_allclose(scaler.inverse(scaler.transform(rows))[:, 0], rows[:, 0], rtol=1e-5)


def test_a_scaler_from_before_scales_alike_or_is_refused(x):
    for kind in SCALINGS:
        scaler = fit_scaler(kind, x)
        old = {"kind": kind, "clip": 10.0 if kind == "log-standard" else None}
        if kind == "log-standard":
            with pytest.raises(ModelFormatError, match=r"of an older alad.*Fit it again"):
                Scaler.from_arrays(old, scaler.to_arrays())
        else:
            again = Scaler.from_arrays(old, scaler.to_arrays())
            np.testing.assert_array_equal(again.transform(x), scaler.transform(x))


def test_log_standard_goes_on_slowly_beyond_what_training_saw(x):
    scaler = fit_scaler("log-standard", x)
    strange = np.repeat(x[:1].astype(np.float64), 60, axis=0)
    strange[:, 1] = np.geomspace(1, 1e30, 60)
    strange[:, 2] = -np.geomspace(100, 1e30, 60)
    y = scaler.transform(strange)
    assert (np.diff(y[:, 1]) > 0).all()
    assert (np.diff(y[:, 2]) < 0).all()
    assert 12 < y[-1, 1] < -y[-1, 2] + 5 < 35
    assert np.diff(y[:, 1])[20:].max() < 0.3


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_value_a_thousand_times_as_far_is_unlike_all_of_training(x, column):
    scaler, row = fit_scaler("log-standard", x), x[:1].copy()
    row[0, column] = 1000 * np.abs(x[:, column]).max()
    furthest = scaler.transform(x)[:, column].max()
    assert scaler.transform(row)[0, column] > furthest + 1


def test_a_negative_value_in_a_logged_column_is_below_all_others(x):
    scaler = fit_scaler("log-standard", x)
    rows = np.repeat(x[:1], 5, axis=0)
    rows[:, 0] = [-1e6, -5, -0.0, 0, 5]
    low = scaler.transform(rows)[:, 0]
    assert low[0] < low[1] < low[2] == low[3] < low[4]
    np.testing.assert_allclose(scaler.inverse(scaler.transform(rows))[:, 0], rows[:, 0], 1e-4, 1e-5)


def test_a_category_counts_the_more_the_fewer_rows_have_it():
    x = np.zeros((999, 5), np.float32)
    x[:500, 0], x[:10, 1], x[:1, 2], x[:998, 3] = 1, 1, 1, 1  # the last: no training row has one
    scaler = fit_scaler("log-standard", x)
    ones = np.array([500, 10, 1, 998, 0])
    share = (ones + 0.5) / 1000
    zero, one = scaler.transform(np.repeat([[0.0], [1.0]], 5, axis=1)).astype(np.float64)
    np.testing.assert_allclose(one - zero, (share * (1 - share)) ** -0.25, rtol=1e-6)
    np.testing.assert_allclose(scaler.transform(x).mean(axis=0), 0, atol=1e-5)
    assert not scaler.log.any()
    assert zero[4] == 0
    assert one[4] > one[2] > one[1] > one[0]


def test_a_flag_that_no_training_row_has_is_far_and_no_further_than_a_bend():
    scaler = fit_scaler("log-standard", np.zeros((1_000_000, 1), np.float32))
    assert 10 < scaler.transform([[1.0]])[0, 0] < 12
    assert scaler.inverse(scaler.transform([[1.0]]))[0, 0] == pytest.approx(1)


def test_given_binary_mask_goes_before_the_detected_one(x):
    nothing_binary = fit_scaler("log-standard", x, binary=[False] * 6)
    assert nothing_binary.log.tolist()[5]
    assert nothing_binary.transform(x)[:, 4].mean() == pytest.approx(0, abs=1e-4)


def test_moments_survive_a_column_far_from_zero():
    x = 1e9 + np.random.default_rng(1).normal(size=(10_000, 1))
    y = fit_scaler("standard", x).transform(x)
    assert y.mean() == pytest.approx(0, abs=1e-4)
    assert y.std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", SCALINGS)
def test_finite_in_finite_out(kind):
    x = np.array([[0.0], [1e-30]], np.float32)
    huge = np.array([[3e38], [-3e38]], np.float32)
    assert np.isfinite(fit_scaler(kind, x).transform(huge)).all()
    assert np.isfinite(fit_scaler(kind, huge).transform(huge)).all()
    assert np.isfinite(fit_scaler(kind, x).transform(np.array([[1e300]]))).all()


@pytest.mark.parametrize("kind", SCALINGS)
def test_input_is_left_alone_and_single_rows_agree(x, kind):
    before = x.copy()
    scaler = fit_scaler(kind, x)
    whole = scaler.transform(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(scaler.transform(x[9000:9001]), whole[9000:9001])
    assert scaler.transform(x[:0]).shape == (0, 6)


@pytest.mark.parametrize("kind", SCALINGS)
def test_saved_scaler_scales_alike(x, kind):
    scaler = fit_scaler(kind, x)
    meta = json.loads(json.dumps(scaler.meta()))
    again = Scaler.from_arrays(meta, scaler.to_arrays())
    np.testing.assert_array_equal(again.transform(x), scaler.transform(x))


def test_unknown_kind_lists_the_choices(x):
    expected = "one of none, minmax, standard, log-standard, pixels; got 'robust'"
    with pytest.raises(InputError, match=expected):
        fit_scaler("robust", x)
    with pytest.raises(InputError, match=expected):
        Scaler.from_arrays({"kind": "robust", "bend": None}, {})


@pytest.mark.parametrize("change", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("name", ["scale", "sd"])
def test_arrays_that_are_no_scaling_are_refused(x, name, change):
    scaler = fit_scaler("log-standard", x)
    arrays = {key: np.array(array) for key, array in scaler.to_arrays().items()}
    arrays[name][2] = change
    with pytest.raises(ModelFormatError, match="scales above 0; got others"):
        Scaler.from_arrays(scaler.meta(), arrays)


def test_bad_shapes_say_what_was_expected(x):
    with pytest.raises(InputError, match="Expected 6 columns, as at fit; got 5"):
        fit_scaler("minmax", x).transform(x[:, :5])
    with pytest.raises(InputError, match="Expected at least one row"):
        fit_scaler("minmax", x[:0])
    with pytest.raises(InputError, match="Expected at least one row"):
        fit_scaler("log-standard", np.zeros((0, 0)))
    with pytest.raises(InputError, match=r"Expected a matrix of numbers.*\(6,\)"):
        fit_scaler("minmax", x[0])
    with pytest.raises(InputError, match="Encode the table first"):
        fit_scaler("minmax", np.array([["a"]]))
    with pytest.raises(
        InputError, match=r"one flag per column in binary, shape \(6,\); got \(2,\)"
    ):
        fit_scaler("log-standard", x, binary=[True, False])


@pytest.mark.parametrize("kind", ["none", "minmax", "standard", "log-standard"])
def test_inverse_undoes_transform(x, kind):
    within = x[(x[:, 0] < 1e4) & (x[:, 0] > 1e-3)]  # giants cost a float32 its digits
    scaler = fit_scaler(kind, within)
    back = scaler.inverse(scaler.transform(within))
    np.testing.assert_allclose(back, within, rtol=1e-4, atol=1e-4)
    with pytest.raises(InputError, match="Expected 6 columns, as at fit; got 5"):
        scaler.inverse(within[:, :5])


def test_what_was_bent_is_unbent(x):
    scaler = fit_scaler("log-standard", x)
    far = x[:2].astype(np.float64)
    far[:, 0], far[:, 1], far[:, 2] = [1e9, 1e12], [50, -1e4], [-1e3, 1e5]
    np.testing.assert_allclose(scaler.inverse(scaler.transform(far)), far, rtol=1e-3, atol=1e-4)


def test_what_networks_make_up_is_no_further_than_float32_goes():
    scaler = fit_scaler("log-standard", np.array([[0.0], [10.0], [1e9]]))
    made_up = scaler.inverse([[-1e3], [1e3], [1e38]]).astype(np.float32)
    assert np.isfinite(made_up).all()
    assert np.isfinite(scaler.transform(made_up)).all()


# ---------------------------------------------------------------------------- in a stream


@pytest.mark.parametrize("kind", SCALINGS)
@pytest.mark.parametrize("batch", [1, 37, 1000])
def test_a_stream_is_scaled_as_the_whole(kind, batch):
    rng = np.random.default_rng(0)
    x = np.stack(
        [
            rng.normal(1e6, 1, 1000),
            np.exp(3 * rng.normal(size=1000)),
            rng.integers(0, 2, 1000),
            np.full(1000, 7.5),
            -np.exp(3 * rng.normal(size=1000)),
            np.zeros(1000),
            np.where(np.arange(1000) < 999, np.exp(3 * rng.normal(size=1000)), -1e-3),
        ],
        axis=1,
    ).astype(np.float32)
    binary = [False, False, True, False, False, True, False]
    learner = ScalerLearner(kind, binary)
    for start in range(0, 1000, batch):
        learner.update(x[start : start + batch])
    found, whole = learner.finish(), fit_scaler(kind, x, binary)
    assert np.array_equal(found.log, whole.log)
    assert (found.kind, found.bend) == (whole.kind, whole.bend)
    np.testing.assert_allclose(found.shift, whole.shift, rtol=1e-9)
    np.testing.assert_allclose(found.scale, whole.scale, rtol=1e-9)
    if kind == "log-standard":
        logged = [*np.flatnonzero(whole.log)]
        np.testing.assert_allclose(found.mean[logged], whole.mean[logged], rtol=1e-9)
        np.testing.assert_allclose(found.sd[logged], whole.sd[logged], rtol=1e-9)


def test_a_stream_without_rows_is_refused():
    with pytest.raises(InputError, match="got 0 rows"):
        ScalerLearner("standard", [False]).finish()
    with pytest.raises(InputError, match="Expected scaling to be one of"):
        ScalerLearner("robust", [False])


@pytest.mark.parametrize(("value", "step"), [(1.7e9, 1.0), (-1.7e9, 1.0), (1024.0, 2.0**-20)])
def test_none_keeps_apart_what_float32_would_not(value, step):
    x = value + step * np.array([[0.0], [1.0], [2.0]])
    scaler = fit_scaler("none", x)
    assert (scaler.transform(x).ravel() / step).tolist() == [0, 1, 2]
    assert np.array_equal(scaler.inverse(scaler.transform(x)), x)
    whole = fit_scaler("none", x.astype(np.float32))
    assert whole.transform(x.astype(np.float32)).dtype == np.float32

"""The simple detectors: scores by their formulas, odd tables, crafted models."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.decomposition import PCA as PrincipalComponents
from sklearn.ensemble import IsolationForest as Forester
from sklearn.svm import OneClassSVM

from alad import KNN, LOF, OCSVM, PCA, IsolationForest, Mahalanobis, load
from alad.errors import InputError, ModelFormatError
from alad.estimators._given import some_rows
from alad.estimators.shallow import _rows, isolation_forest, knn, ocsvm
from alad.estimators.shallow.isolation_forest import Trees
from alad.io import read_model, write_model
from tests.estimators.small import FRAME, NEW, NEW_FRAME, N, X, equal, fitted, new

SIMPLE = (Mahalanobis, OCSVM, IsolationForest, KNN, LOF, PCA)
SCALED = (X - X.mean(axis=0)) / X.std(axis=0)
NEW_SCALED = (NEW - X.mean(axis=0)) / X.std(axis=0)


def wide(n, columns=12, seed=0):
    """Rows near a plane, as float32, so that no scaling rounds them."""
    rng = np.random.default_rng(seed)
    plane = rng.normal(size=(n, 3)) @ np.random.default_rng(9).normal(size=(3, columns))
    return (plane + 0.1 * rng.normal(size=(n, columns))).astype(np.float32)


def anomaly_scores(detector, rows):
    return -detector.score_samples(rows)


# ----------------------------------------------------------------------------- what all share


@pytest.mark.parametrize("cls", SIMPLE)
def test_a_row_is_judged_alone_as_among_others(cls):
    rows = wide(700)
    detector = new(cls).fit(rows)
    together = detector.score_samples(rows)
    assert np.array_equal(detector.score_samples(rows), together)
    alone = [detector.score_samples(row[None])[0] for row in rows[:40]]
    assert np.array_equal(alone, together[:40])
    assert np.array_equal(detector.score_samples(rows[300:]), together[300:])


@pytest.mark.parametrize("cls", [KNN, LOF])
def test_kept_rows_are_not_the_callers(cls):
    rows = np.ascontiguousarray(wide(60), np.float32)
    detector = cls(scaling="none").fit(rows)
    before, kept = detector.score_samples(rows[:5].copy()), rows[:5].copy()
    rows[:] = 0
    assert np.array_equal(detector.score_samples(kept), before)
    assert detector.rows_.any()


def test_a_zero_below_zero_is_a_zero():
    rows = np.array([[0.0, 1], [-0.0, 1], [2, 3], [4, 5]])
    assert len(KNN(distinct=True, k=1, scaling="none").fit(rows).rows_) == 3


@pytest.mark.parametrize("cls", SIMPLE)
def test_strange_rows_are_the_most_anomalous(cls):
    strange = 8 * np.random.default_rng(1).normal(size=(20, 12))
    detector = new(cls).fit(wide(300))
    assert detector.score_samples(strange).max() < np.median(
        detector.score_samples(wide(100, seed=3))
    )
    assert (detector.predict(strange) == -1).mean() > 0.8


@pytest.mark.parametrize("cls", SIMPLE)
def test_single_and_double_precision_give_one_answer(cls):
    rows = wide(200)
    single, double = new(cls).fit(rows), new(cls).fit(rows.astype(np.float64))
    assert np.array_equal(single.score_samples(rows), double.score_samples(rows.astype(float)))
    assert single.score_samples(rows).dtype == np.float64


ODD_TABLES = {
    "constant column": np.hstack([X, np.full((N, 1), 7.0)]),
    "all constant": np.full((20, 3), 7.0),
    "duplicates": np.repeat(X[:9], 7, axis=0),
    "one column": X[:, :1],
    "two rows": X[:2],
    "two equal rows": X[[0, 0]],
    "more columns than rows": np.random.default_rng(0).normal(size=(6, 30)),
    "far from 0": X + 1e7,
    "huge": X * 1e37,
}


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "log-standard"])
@pytest.mark.parametrize("rows", ODD_TABLES.values(), ids=ODD_TABLES.keys())
@pytest.mark.parametrize("cls", [OCSVM, IsolationForest, KNN, PCA])
def test_odd_tables_are_learned_and_judged(cls, rows, scaling):
    detector = new(cls, scaling=scaling).fit(rows)
    assert np.isfinite(detector.score_samples(rows)).all()
    assert math.isfinite(detector.offset_)
    assert (detector.predict(rows) == -1).mean() <= 0.5
    far = detector.score_samples(np.full((1, rows.shape[1]), -3e38))
    assert np.isfinite(far).all()


def test_constant_columns_change_nothing():
    with_constant = np.insert(X, 2, 7.0, axis=1)
    new_rows = np.insert(NEW, 2, 7.0, axis=1)
    for cls, settings in [
        *((KNN, {}), (PCA, {"n_components": 2}), (OCSVM, {"gamma": 0.3}), (Mahalanobis, {}))
    ]:
        np.testing.assert_allclose(
            new(cls, **settings).fit(with_constant).score_samples(new_rows),
            fitted(cls, **settings).score_samples(NEW),
            rtol=1e-6,
            err_msg=cls.__name__,
        )


@pytest.mark.parametrize("cls", [OCSVM, IsolationForest, KNN, PCA])
@pytest.mark.parametrize("settings", [{}, {"scaling": "minmax", "contamination": 0.1}])
def test_a_loaded_detector_gives_the_same_scores(cls, settings, tmp_path):
    for table, rows in [("array", NEW), ("frame", NEW_FRAME)]:
        saved = fitted(cls, table, **settings)
        saved.save(tmp_path / table)
        loaded = load(tmp_path / table)
        assert type(loaded) is cls
        assert loaded.get_params() == saved.get_params()
        assert loaded.offset_ == saved.offset_
        assert np.array_equal(loaded.score_samples(rows), saved.score_samples(rows))
        ours, theirs = vars(saved), vars(loaded)
        assert set(ours) == set(theirs)
        for name in set(ours) - {"_search", "_factor", "scaler_", "feature_names_in_"}:
            assert equal(ours[name], theirs[name]), name
            assert type(ours[name]) is type(theirs[name]), name


@pytest.mark.parametrize("cls", [OCSVM, KNN])
def test_rows_are_drawn_by_the_seed(cls):
    rows = wide(200)
    first, again, other = (
        cls(max_rows=50, random_state=seed).fit(rows).score_samples(rows) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    everything = cls(max_rows=None).fit(rows).score_samples(rows)
    assert np.array_equal(cls(max_rows=200).fit(rows).score_samples(rows), everything)
    assert not np.array_equal(first, everything)


def test_drawn_rows_are_different_rows_in_their_old_order():
    rows = np.arange(100, dtype=np.float32)[:, None]
    drawn = some_rows(rows, 40, 0)[:, 0]
    assert len(drawn) == 40
    assert (np.diff(drawn) > 0).all()
    assert some_rows(rows, 100, 0) is rows
    shares = np.mean([np.isin(rows[:, 0], some_rows(rows, 40, s)) for s in range(500)], axis=0)
    assert (np.abs(shares - 0.4) < 0.1).all()  # about 4.5 standard deviations


def test_blocks_are_filled_up_and_cut_off():
    seen = []

    def total(block):
        seen.append(block.shape)
        return block.sum(axis=1)

    rows = wide(10, 3)
    np.testing.assert_allclose(_rows.in_blocks(total, rows, 4), rows.sum(axis=1))
    assert seen == [(4, 3)] * 3


WRONG = [
    (OCSVM, "nu", 0.0, "a number in (0, 1)"),
    (OCSVM, "nu", 1.0, "a number in (0, 1)"),
    (OCSVM, "gamma", "half", "'scale', 'auto' or a number in (0, inf)"),
    (OCSVM, "gamma", 0, "'scale', 'auto' or a number in (0, inf)"),
    (OCSVM, "gamma", None, "'scale', 'auto' or a number in (0, inf)"),
    (OCSVM, "max_rows", 1, "an int of at least 2 or None"),
    (OCSVM, "scaling", None, "one of 'none', 'minmax', 'standard', 'log-standard'"),
    (IsolationForest, "n_estimators", 0, "an int of at least 1"),
    (
        IsolationForest,
        "max_samples",
        1,
        "'auto', an int of at least 2 or a number in (0, 1]",
    ),
    (
        IsolationForest,
        "max_samples",
        0.0,
        "'auto', an int of at least 2 or a number in (0, 1]",
    ),
    (
        IsolationForest,
        "max_samples",
        "all",
        "'auto', an int of at least 2 or a number in (0, 1]",
    ),
    (IsolationForest, "max_samples", True, "'auto', an int of at least 2 or a number in (0, 1]"),
    (KNN, "k", 0, "an int of at least 1"),
    (KNN, "k", 2.0, "an int of at least 1"),
    (KNN, "method", "median", "one of 'largest', 'mean'"),
    (KNN, "max_rows", 1, "an int of at least 2 or None"),
    (PCA, "n_components", 0, "an int of at least 1 or a number in (0, 1)"),
    (PCA, "n_components", 1.0, "an int of at least 1 or a number in (0, 1)"),
    (PCA, "n_components", True, "an int of at least 1 or a number in (0, 1)"),
    (PCA, "n_components", "mle", "an int of at least 1 or a number in (0, 1)"),
]


@pytest.mark.parametrize(("cls", "name", "value", "words"), WRONG)
def test_a_wrong_setting_is_named_with_what_it_must_be(cls, name, value, words):
    with pytest.raises(InputError) as caught:
        cls(**{name: value}).fit(X)
    want = f"The '{name}' parameter of {cls.__name__} must be {words}. Got {value!r} instead."
    assert str(caught.value) == want


# ----------------------------------------------------------------------------- OCSVM


@pytest.mark.parametrize("gamma", ["scale", "auto", 0.7])
@pytest.mark.parametrize("nu", [0.05, 0.5, 0.99])
def test_ocsvm_is_scikit_learns(gamma, nu):
    rows, others = wide(300), wide(100, seed=1)
    ours = OCSVM(gamma=gamma, nu=nu, scaling="none").fit(rows)
    theirs = OneClassSVM(gamma=gamma, nu=nu).fit(rows)
    np.testing.assert_allclose(
        anomaly_scores(ours, others), -theirs.decision_function(others), rtol=1e-9, atol=1e-10
    )


def test_ocsvm_is_the_formula():
    detector = fitted(OCSVM)
    assert detector.gamma_ == pytest.approx(1 / 5, rel=1e-6)  # scaled columns: variance 1
    s, alpha = detector.support_vectors_.astype(float), detector.dual_coef_
    assert alpha.sum() == pytest.approx(0.1 * N)
    square = ((NEW_SCALED[:, None] - s) ** 2).sum(axis=2)
    want = detector.rho_ - np.exp(-square / 5) @ alpha
    np.testing.assert_allclose(anomaly_scores(detector, NEW), want, rtol=1e-5)


def test_ocsvms_nu_is_the_share_outside():
    rows = wide(1000)
    for nu in (0.1, 0.4):
        detector = OCSVM(nu=nu).fit(rows)
        assert (anomaly_scores(detector, rows) > 0).mean() == pytest.approx(nu, abs=0.03)
        assert len(detector.support_vectors_) >= nu * len(rows)


def test_ocsvm_keeps_its_digits_far_from_the_origin():
    rows = np.round(8 * wide(60, 3)) / 8  # so that moved rows are exact in single precision
    near = OCSVM(scaling="none", gamma=0.5).fit(rows)
    moved = copy_of(near)
    moved.support_vectors_ = near.support_vectors_ + np.float32(2**20)
    np.testing.assert_allclose(
        moved.score_samples(rows + 2**20), near.score_samples(rows), rtol=1e-9, atol=1e-11
    )


def test_ocsvms_kernel_is_never_above_1():
    rows = wide(40, 20)
    rows[:, 0] = 1e6  # the squares of it cancel, but for their rounding
    kernel = ocsvm._kernel(rows.astype(float), 1.0, rows)
    assert kernel.max() == 1.0
    assert (np.diag(kernel) < 1).any()


def test_ocsvm_makes_smaller_blocks_for_many_support_vectors(monkeypatch):
    rows = wide(100)
    detector = OCSVM().fit(rows)
    want = detector.score_samples(rows)
    monkeypatch.setattr(ocsvm, "KERNEL", 3 * len(detector.support_vectors_))
    np.testing.assert_allclose(detector.score_samples(rows), want, atol=1e-12)
    monkeypatch.setattr(ocsvm, "KERNEL", 1)
    np.testing.assert_allclose(detector.score_samples(rows), want, atol=1e-12)


def test_ocsvm_with_a_kernel_that_overflows():
    detector = OCSVM(gamma=1e300).fit(X)
    far = anomaly_scores(detector, NEW)
    assert np.array_equal(far, np.full(len(NEW), detector.rho_))


# ----------------------------------------------------------------------------- isolation forest


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_estimators": 7},
        {"max_samples": 2},
        {"max_samples": 33, "random_state": 4},
        {"max_samples": 1.0},
        {"max_samples": 0.1},
    ],
)
def test_isolation_forest_is_scikit_learns(settings):
    rows, others = wide(700), wide(600, seed=1)
    settings = {"random_state": 0} | settings
    ours, theirs = IsolationForest(**settings).fit(rows), Forester(**settings).fit(rows)
    for x in (rows, others, 10 * others):
        np.testing.assert_allclose(
            anomaly_scores(ours, x), -theirs.score_samples(x), rtol=0, atol=1e-12
        )


def test_isolation_forest_is_scikit_learns_on_whole_numbers():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, size=(500, 6)).astype(np.float32)  # leaves that hold many rows
    ours = IsolationForest(random_state=0).fit(rows)
    theirs = Forester(random_state=0).fit(rows)
    np.testing.assert_allclose(
        anomaly_scores(ours, rows), -theirs.score_samples(rows), rtol=0, atol=1e-12
    )


def test_isolation_forest_decides_as_scikit_learn_on_the_very_thresholds():
    rows = wide(300, 1)
    ours = IsolationForest(random_state=0).fit(rows)
    theirs = Forester(random_state=0).fit(rows)
    cuts = np.concatenate([e.tree_.threshold[e.tree_.feature == 0] for e in theirs.estimators_])
    nearest = cuts.astype(np.float32)[:, None]
    assert (nearest[:, 0] > cuts).any()
    assert (nearest[:, 0] < cuts).any()
    for x in (nearest, np.nextafter(nearest, np.float32(9)), np.nextafter(nearest, np.float32(-9))):
        np.testing.assert_allclose(
            anomaly_scores(ours, x), -theirs.score_samples(x), rtol=0, atol=1e-12
        )


def test_isolation_forest_by_hand():
    # A root that cuts column 1 at 0.5; its right child cuts column 0 at 2, so the leaves lie at
    # depth 1, 2 and 2, and the last of them holds three rows.
    c3 = 2 * (math.log(2) + 0.5772156649) - 4 / 3
    detector = copy_of(IsolationForest(random_state=0).fit(X[:, :2]))
    detector.samples_ = 5
    detector.trees_ = Trees(
        roots=np.array([0]),
        child=np.array([1, 1, 3, 3, 4]),
        feature=np.array([1, 0, 0, 0, 0]),
        threshold=np.array([0.5, np.inf, 2.0, np.inf, np.inf], np.float32),
        path=np.array([0, 1, 0, 2, 2 + c3]),
    )
    c5 = 2 * (math.log(4) + 0.5772156649) - 8 / 5
    want = [2 ** (-1 / c5), 2 ** (-2 / c5), 2 ** (-(2 + c3) / c5)]
    got = anomaly_scores(detector, [[9.0, 0.5], [2.0, 0.6], [2.1, 0.6]])
    np.testing.assert_allclose(got, want, rtol=1e-9)


def copy_of(detector):
    new_one = type(detector)(**detector.get_params())
    vars(new_one).update(vars(detector))
    return new_one


@pytest.mark.parametrize(("n", "want"), [(1, 0), (2, 1), (3, 1.2073924), (256, 10.2447705)])
def test_mean_path_length_of_a_search(n, want):
    assert isolation_forest.usual_path(n) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize(
    ("max_samples", "n", "want"),
    [("auto", 1000, 256), ("auto", 9, 9), (300, 1000, 300), (300, 9, 9), (0.5, 9, 4), (0.01, 9, 2)],
)
def test_samples_of_a_tree(max_samples, n, want):
    assert isolation_forest._how_many(max_samples, n) == want


def test_rows_that_nothing_tells_apart_have_a_half():
    detector = IsolationForest(random_state=0).fit(np.full((20, 3), 7.0))
    np.testing.assert_allclose(detector.score_samples([[7.0, 7, 7], [9, 9, 9]]), -0.5)


def test_the_forest_hangs_on_the_seed():
    scores = [IsolationForest(random_state=s).fit(X).score_samples(NEW) for s in (0, 0, 1)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


# ----------------------------------------------------------------------------- nearest neighbours


def without_itself(rows, k):
    """The distances of training rows to the first k others, by definition."""
    rows = rows.astype(float)
    distances = np.sqrt(((rows[:, None] - rows) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)[:, :k]


def to_others(x, rows, k):
    return np.sort(np.sqrt(((x[:, None].astype(float) - rows) ** 2).sum(axis=2)), axis=1)[:, :k]


@pytest.mark.parametrize("columns", [1, 3, 8, 9, 40])
@pytest.mark.parametrize("method", ["largest", "mean"])
def test_knn_is_the_formula(columns, method):
    rows, others = wide(300, columns), wide(280, columns, seed=1)
    detector = KNN(k=3, method=method, scaling="none").fit(rows)
    of = (lambda d: d[:, -1]) if method == "largest" else (lambda d: d.mean(axis=1))
    np.testing.assert_allclose(
        anomaly_scores(detector, others), of(to_others(others, rows, 3)), rtol=1e-9
    )
    np.testing.assert_allclose(
        anomaly_scores(detector, rows), of(without_itself(rows, 3)), rtol=1e-9
    )


@pytest.mark.parametrize("columns", [3, 20])
def test_knns_offset_leaves_the_row_itself_out(columns):
    rows = wide(400, columns)
    detector = KNN(k=1, scaling="none", contamination=0.1).fit(rows)
    nearest = without_itself(rows, 1)[:, 0]
    assert detector.offset_ == pytest.approx(-np.percentile(nearest, 90), rel=1e-9)
    assert (detector.predict(rows) == -1).mean() == pytest.approx(0.1, abs=0.005)


def test_knn_keeps_its_digits_far_from_the_origin():
    # The search sees these distances through the rounding of squares of 1e9: it finds the
    # neighbours in a wrong order. With all of them asked for, the order must not matter.
    rows = wide(40, 20)
    rows[:, 0] = 1e9
    detector = KNN(k=39, method="mean", scaling="none").fit(rows)
    found = detector._search.kneighbors(rows, return_distance=False)
    assert (found[:, 0] != np.arange(40)).any()
    want = without_itself(rows, 39).mean(axis=1)
    np.testing.assert_allclose(anomaly_scores(detector, rows), want, rtol=1e-9)


@pytest.mark.parametrize("columns", [2, 20])
def test_knn_counts_other_copies_of_a_row(columns):
    rows = np.repeat(wide(30, columns), 3, axis=0)  # each row has two equal ones
    scores = [anomaly_scores(KNN(k=k, scaling="none").fit(rows), rows) for k in (1, 2, 3)]
    assert not scores[0].any()
    assert not scores[1].any()
    assert (scores[2] > 0).all()


@pytest.mark.parametrize("n", [2, 4])
def test_knn_takes_all_other_rows_if_there_are_fewer_than_k(n):
    rows = wide(n, 3)
    detector = KNN(k=50, scaling="none").fit(rows)
    assert detector.k_ == n - 1
    np.testing.assert_allclose(
        anomaly_scores(detector, rows), without_itself(rows, n - 1)[:, -1], rtol=1e-9
    )
    far = wide(5, 3, seed=1)
    np.testing.assert_allclose(
        anomaly_scores(detector, far), to_others(far, rows, n - 1)[:, -1], rtol=1e-9
    )


def test_knn_compares_with_the_rows_that_were_drawn():
    rows = wide(100, 3)
    detector = KNN(k=2, max_rows=20, scaling="none", random_state=0).fit(rows)
    kept = detector.rows_
    assert kept.shape == (20, 3)
    assert {tuple(row) for row in kept} < {tuple(row) for row in rows}
    is_kept = (rows[:, None] == kept).all(axis=2).any(axis=1)
    np.testing.assert_allclose(
        anomaly_scores(detector, rows[~is_kept]),
        to_others(rows[~is_kept], kept, 2)[:, -1],
        rtol=1e-9,
    )


def test_both_searches_agree(monkeypatch):
    rows, others = wide(500, 6), wide(300, 6, seed=1)
    tree = KNN().fit(rows)
    monkeypatch.setattr(knn, "TREE_COLUMNS", 0)
    every = KNN().fit(rows)
    assert (tree._search.algorithm, every._search.algorithm) == ("kd_tree", "brute")
    np.testing.assert_allclose(tree.score_samples(others), every.score_samples(others), rtol=1e-9)
    assert tree.offset_ == pytest.approx(every.offset_, rel=1e-9)


# ----------------------------------------------------------------------------- components


def residual(x, rows, k):
    """The distance from the plane of the first k principal components, by singular values."""
    mean = rows.mean(axis=0, dtype=float)
    V = np.linalg.svd(rows - mean, full_matrices=False)[2][:k]
    centred = x - mean
    return np.linalg.norm(centred - centred @ V.T @ V, axis=1)


@pytest.mark.parametrize("n", [300, 9])
@pytest.mark.parametrize("k", [1, 4])
def test_pca_is_the_formula(n, k):
    rows, others = wide(n), wide(50, seed=1)
    detector = PCA(n_components=k, scaling="none").fit(rows)
    assert detector.components_.shape == (k, 12)
    np.testing.assert_allclose(
        anomaly_scores(detector, others), residual(others, rows, k), rtol=1e-6
    )


def test_pca_scales_first():
    np.testing.assert_allclose(
        anomaly_scores(fitted(PCA, n_components=2), NEW),
        residual(NEW_SCALED, SCALED, 2),
        rtol=1e-5,
    )


@pytest.mark.parametrize("share", [0.3, 0.8, 0.95, 0.999])
def test_pca_takes_as_many_components_as_scikit_learn(share):
    rows = np.random.default_rng(0).normal(size=(400, 12)) * np.arange(1, 13)
    detector = PCA(n_components=share, scaling="none").fit(rows)
    want = PrincipalComponents(n_components=share, svd_solver="full").fit(rows).n_components_
    assert len(detector.components_) == min(want, 11)


@pytest.mark.parametrize(
    ("rows", "n_components", "kept"),
    [(X, 99, 4), (X, 5, 4), (X, 4, 4), (X, 0.9999999, 4), (X[:3], 4, 1), (X[:, :1], 1, 0)]
    + [(np.c_[X, X[:, :2], np.ones(len(X))], k, 4) for k in (0.999, 7)],
)
def test_pca_leaves_something_to_measure(rows, n_components, kept):
    detector = PCA(n_components=n_components).fit(rows)
    assert len(detector.components_) == kept
    rng = np.random.default_rng(0)
    assert anomaly_scores(detector, rows[:1] + rng.normal(size=(20, rows.shape[1]))).min() > 0.001


def test_pca_of_one_column_is_the_distance_from_the_mean(tmp_path):
    detector = PCA(scaling="none").fit([[1.0], [2.0], [6.0]])
    assert anomaly_scores(detector, [[3.0], [5.0]]).tolist() == [0.0, 2.0]
    detector.save(tmp_path / "m")
    assert anomaly_scores(load(tmp_path / "m"), [[3.0], [5.0]]).tolist() == [0.0, 2.0]


def test_pca_keeps_its_digits_far_from_the_origin():
    rows = np.round(64 * wide(200)) / 64  # so that moved rows are exact in single precision
    near = PCA(n_components=3, scaling="none").fit(rows)
    far = PCA(n_components=3, scaling="none").fit(rows + 2**16)
    np.testing.assert_allclose(far.score_samples(rows + 2**16), near.score_samples(rows), rtol=1e-6)


# ----------------------------------------------------------------------------- crafted models


@pytest.fixture
def crafted(tmp_path):
    """Save a detector with other facts or arrays; returns the folder."""

    def written(cls, change):
        fitted(cls, "frame").save(tmp_path / "whole")
        whole = read_model(tmp_path / "whole")
        facts, arrays = whole.facts, {k: np.array(v) for k, v in whole.arrays.items()}
        del facts["weights_sha256"]  # so that it is that of the changed arrays
        change(facts, arrays)
        write_model(tmp_path / "model", replace(whole, facts=facts, arrays=arrays))
        return tmp_path / "model"

    return written


def put(name, index, value):
    def change(facts, arrays):
        arrays[name][index] = value

    return change


def instead(name, array):
    return lambda facts, arrays: arrays.update({name: array})


def say(name, value):
    return lambda facts, arrays: facts.update({name: value})


def last_leaf(value):
    return put("trees/child", -1, value)


F32 = np.float32
CRAFTED = {
    "tree: backwards": (IsolationForest, put("trees/child", 3, 1), "'trees/child' to describe"),
    "tree: back to the root": (IsolationForest, last_leaf(0), "'trees/child' to describe"),
    "tree: negative": (IsolationForest, put("trees/child", 0, -1), "at 0 it holds -1"),
    "tree: beyond the end": (IsolationForest, put("trees/child", 0, 10**9), "it holds 1000000000"),
    "tree: a right child too few": (
        IsolationForest,
        lambda facts, arrays: arrays["trees/child"].__setitem__(0, len(arrays["trees/child"]) - 1),
        "'trees/child' to describe trees; at 0",
    ),
    "tree: a leaf that leads on": (
        IsolationForest,
        put("trees/threshold", -1, 0.0),
        "'trees/threshold' to describe",
    ),
    "tree: a cut at NaN": (IsolationForest, put("trees/threshold", 0, np.nan), "it holds nan"),
    "tree: no such root": (IsolationForest, put("trees/roots", 0, 10**9), "'trees/roots' to desc"),
    "tree: a negative root": (IsolationForest, put("trees/roots", 0, -1), "'trees/roots' to desc"),
    "tree: no roots": (
        IsolationForest,
        instead("trees/roots", np.zeros(0, np.int64)),
        "Expected array 'trees/roots' of any int64; got shape",
    ),
    "tree: no such column": (IsolationForest, put("trees/feature", 0, 5), "at 0 it holds 5"),
    "tree: a negative column": (IsolationForest, put("trees/feature", 0, -1), "at 0 it holds -1"),
    "tree: path": (IsolationForest, put("trees/path", -1, np.inf), "finite numbers in array"),
    "tree: lengths": (
        IsolationForest,
        instead("trees/path", np.zeros(3)),
        r"Expected array 'trees/path' of \d+ float64; got shape \(3,\), float64",
    ),
    "tree: type": (
        IsolationForest,
        lambda facts, arrays: arrays.update({"trees/child": arrays["trees/child"].astype(float)}),
        r"'trees/child' of any int64; got .*float64",
    ),
    "tree: missing": (
        IsolationForest,
        lambda facts, arrays: arrays.pop("trees/path"),
        "whole IsolationForest model at .*KeyError: 'trees/path'",
    ),
    "samples: none": (
        IsolationForest,
        lambda facts, arrays: facts.pop("samples"),
        "to state samples; it does not",
    ),
    "samples: more than rows": (IsolationForest, say("samples", 10**300), "at most 64. Got 1000"),
    "samples: one": (IsolationForest, say("samples", 1), "an int of at least 2 and at most 64"),
    "samples: words": (IsolationForest, say("samples", "many"), "Got 'many' instead"),
    "machine: level": (OCSVM, say("rho", None), "'rho' parameter of a saved OCSVM"),
    "machine: gamma": (OCSVM, say("gamma", -1.0), "'gamma' parameter of a saved OCSVM must be"),
    "machine: weights": (
        OCSVM,
        instead("dual_coef", np.zeros(1)),
        r"Expected array 'dual_coef' of \d+ float64; got shape \(1,\)",
    ),
    "machine: columns": (
        OCSVM,
        instead("support_vectors", np.zeros((3, 4), F32)),
        r"Expected array 'support_vectors' of any x 5 float32; got shape \(3, 4\)",
    ),
    "machine: NaN": (OCSVM, put("dual_coef", 0, np.nan), "finite numbers in array 'dual_coef'"),
    "neighbours: columns": (KNN, instead("rows", np.zeros((9, 4), F32)), "of any x 5 float32"),
    "neighbours: none": (KNN, instead("rows", np.zeros((0, 5), F32)), r"got shape \(0, 5\)"),
    "neighbours: one": (KNN, instead("rows", np.zeros((1, 5), F32)), "at least 2 rows; got 1"),
    "factor: one": (LOF, instead("rows", np.zeros((1, 5), F32)), "at least 2 rows; got 1"),
    "neighbours: infinity": (KNN, put("rows", 0, np.inf), "finite numbers in array 'rows'"),
    "components: columns": (
        PCA,
        instead("components", np.zeros((2, 4))),
        r"'components' of 2 x 5 float64; got shape \(2, 4\)",
    ),
    "components: mean": (PCA, instead("mean", np.zeros(4)), "'mean' of 5 float64; got"),
    "distance: whitening": (
        Mahalanobis,
        instead("whitening", np.zeros((4, 4))),
        "'whitening' of 5 x 4 float64; got",
    ),
}


@pytest.mark.parametrize(("cls", "change", "message"), CRAFTED.values(), ids=CRAFTED.keys())
def test_crafted_models_are_refused(crafted, cls, change, message):
    folder = crafted(cls, change)
    with pytest.raises(ModelFormatError, match=message):
        load(folder)


@pytest.mark.parametrize("cls", SIMPLE)
def test_an_unchanged_model_is_read(crafted, cls):
    folder = crafted(cls, lambda facts, arrays: None)
    want = fitted(cls, "frame").score_samples(FRAME)
    assert np.array_equal(load(folder).score_samples(FRAME), want)


def test_text_columns_are_encoded():
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 5, "b": ["x", "y", "x", "x"] * 5})
    for cls in SIMPLE:
        detector = new(cls).fit(frame)
        strange = detector.score_samples(pl.DataFrame({"a": [40.0], "b": ["y"]}))
        assert strange < detector.score_samples(frame).min(), cls.__name__


def test_equal_rows_are_kept_once_if_asked():
    rows = np.repeat(np.float32([[0, 0], [1, 0], [3, 0]]), [5, 1, 2], axis=0)
    detector = KNN(k=2, scaling="none", distinct=True).fit(rows)
    assert detector.rows_.tolist() == [[0, 0], [1, 0], [3, 0]]
    assert (-detector.score_samples([[0.0, 0.0]])).tolist() == [3]
    assert (-KNN(k=2, scaling="none").fit(rows).score_samples([[0.0, 0.0]])).tolist() == [0]
    assert len(KNN(distinct=True).fit(np.ones((4, 2))).rows_) == 4


@pytest.mark.parametrize("cls", [KNN, LOF])
def test_rows_are_kept_apart_from_a_frame_that_changes(cls):
    rows = X.astype(np.float32)
    detector = cls(scaling="none").fit(pd.DataFrame(rows, copy=False))
    before = detector.score_samples(NEW)
    rows[:] = 100
    assert np.array_equal(detector.score_samples(NEW), before)

"""Reasons of every detector: they add up, name the strange column, and mind nothing beside it."""

from __future__ import annotations

import re
from copy import copy

import numpy as np
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from alad import ALAD, DAGMM, DSEBM, GAN, KNN, LOF, AutoEncoder, IsolationForest, Mahalanobis, load
from alad.errors import InputError
from alad.preprocessing.table import TableEncoder
from alad.reasons import Explainer, check_reference, explain
from alad.reasons.explanation import _normal_rows
from tests.estimators.small import DETECTORS, FRAME, NEW, NEW_FRAME, X, fitted, new

RNG = np.random.default_rng(1)
N = 300
TOY = pl.DataFrame(
    {
        "level": RNG.normal(50, 5, N),
        "amount": np.exp(RNG.normal(size=N)).round(2),
        "kind": RNG.choice(["a", "b", "c"], N),
        "is_new": RNG.random(N) < 0.5,
        "version": [1] * N,
    }
).with_columns(rest=pl.col("level") * 2 + pl.Series(RNG.normal(size=N)))
ROW = {"level": 50.0, "amount": 1.0, "kind": "a", "is_new": True, "version": 1, "rest": 100.0}
SHALLOW = (KNN, LOF, Mahalanobis, IsolationForest)


def toy_rows(**changes):
    return pl.DataFrame([ROW | changes], schema=TOY.schema)


@pytest.fixture(scope="module", params=SHALLOW, ids=lambda cls: cls.__name__)
def shallow(request):
    return request.param(random_state=0).fit(TOY)


@pytest.mark.parametrize("cls", DETECTORS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("table", ["array", "frame"])
def test_contributions_add_up(cls, table):
    detector, new = fitted(cls, table), {"array": NEW, "frame": NEW_FRAME}[table]
    reasons = explain(detector, new, reference={"array": X, "frame": FRAME}[table])
    difference = reasons.anomaly_score - reasons.expected_score
    scale = np.abs(reasons.contributions).max() + np.abs(difference).max()
    assert np.abs(reasons.contributions.sum(axis=1) - difference).max() <= 1e-12 * scale + 1e-300
    assert reasons.anomaly_score == pytest.approx(-detector.score_samples(new), rel=1e-12)
    assert len(reasons) == len(new)
    assert reasons.contributions.shape == reasons.rarity.shape == reasons.seen.shape
    assert reasons.expected.columns == list(reasons.columns)
    assert reasons.nearest.shape == (len(new), 5)


SCORES = [
    *((ALAD, score) for score in ALAD.scores),
    *((cls, score) for cls in (GAN, DAGMM, DSEBM) for score in cls.scores),
]


@pytest.mark.parametrize(("cls", "score"), SCORES, ids=lambda v: getattr(v, "__name__", v))
def test_contributions_of_every_score_add_up(cls, score):
    detector = copy(fitted(cls)).set_params(anomaly_score=score)
    new = np.concatenate([NEW[:6], X[:3]])
    new[8, 2] += 9
    reasons = explain(detector, new, reference=X)
    expected = reasons.expected.to_numpy()
    difference = reasons.anomaly_score - reasons.expected_score
    scale = np.abs(reasons.contributions).max() + np.abs(difference).max()
    assert np.abs(reasons.contributions.sum(axis=1) - difference).max() <= 1e-12 * scale
    assert (reasons.contributions[new == expected] == 0).all()
    assert (reasons.contributions[6:8] == 0).all()  # rows of the reference
    assert reasons.expected_score == pytest.approx(-detector.score_samples(expected), rel=1e-6)
    if expected[8].tolist() == X[2].tolist():  # where one column differs it has all
        assert reasons.contributions[8, 2] == pytest.approx(difference[8], rel=1e-12)


def test_the_expected_row_has_the_expected_score(shallow):
    reasons = explain(shallow, TOY[:9], reference=TOY)
    assert reasons.expected_score == pytest.approx(-shallow.score_samples(reasons.expected))


@pytest.mark.parametrize("change", [{"amount": 80.0}, {"level": 90.0}, {"rest": 30.0}])
def test_the_strange_column_is_first(shallow, change):
    reasons = explain(shallow, toy_rows(**change), reference=TOY)
    [name] = change
    assert reasons.columns[reasons.top(1)[0, 0]] == name
    assert reasons.rarity[0, reasons.top(1)[0, 0]] == 0
    assert reasons.seen[name][0] == change[name]
    assert name in reasons.text(0)


def test_a_strange_combination_is_named_where_each_value_is_usual():
    detector = Mahalanobis().fit(TOY)
    reasons = explain(detector, toy_rows(level=58.0, rest=92.0), reference=TOY)
    assert {reasons.columns[j] for j in reasons.top(1)[0]} <= {"level", "rest"}
    assert (reasons.rarity[0] > 0.02).all()


def test_a_categorys_features_are_one_column(shallow):
    reasons = explain(shallow, toy_rows(kind="never"), reference=TOY)
    assert reasons.columns == tuple(TOY.columns)
    place = reasons.columns.index("kind")
    assert reasons.seen["kind"][0] == "never"
    assert reasons.expected["kind"][0] in "abc"
    assert reasons.rarity[0, place] == 0


def test_an_unseen_category_is_the_reason():
    reasons = explain(KNN().fit(TOY), toy_rows(kind="never"))
    text = r"kind never \(expected [abc]; none of 300 normals is as rare\)"
    assert re.fullmatch(text, reasons.text(0))


def test_no_normal_row_has_a_word_that_fit_did_not_see():
    paths = [f"/page/{i % 250}" for i in range(498)] + ["/once", "/twice"]
    frame = pl.DataFrame({"path": paths, "n": RNG.normal(size=500)})
    detector = KNN().fit(frame)
    assert detector.encoder_.schema[0].kind == "frequency"
    new = pl.DataFrame({"path": ["/once", "/bin/sh", None], "n": [0.0] * 3})
    reasons = explain(detector, new, reference=frame)
    assert reasons.rarity[0, 0] > 0 == reasons.rarity[1, 0]


def test_a_constant_column_is_a_reason_only_where_it_changed(shallow):
    place = TOY.columns.index("version")
    same = explain(shallow, toy_rows(amount=80.0), reference=TOY)
    assert same.contributions[0, place] == 0
    assert same.rarity[0, place] == 1
    other = explain(shallow, toy_rows(version=9), reference=TOY)
    assert other.rarity[0, place] == 0
    if not isinstance(shallow, IsolationForest | Mahalanobis):  # they leave it aside
        assert other.top(1)[0, 0] == place


def test_missing_values_are_seen_as_missing():
    frame = TOY.with_columns(
        level=pl.when(pl.Series(np.arange(N) % 10 == 0)).then(None).otherwise("level")
    )
    detector = KNN().fit(frame)
    reasons = explain(detector, toy_rows(level=None, amount=80.0))
    assert reasons.seen["level"][0] is None
    assert reasons.rarity[0, 0] == pytest.approx(0.1)
    never = explain(KNN().fit(TOY), toy_rows(level=None, amount=80.0))
    assert never.seen["level"][0] is None
    texts = [never.text(0, k) for k in range(2)]
    assert any(text.startswith("amount 80 (expected ") for text in texts)
    (told,) = (text for text in texts if text.startswith("level "))
    assert re.fullmatch(r"level missing \(expected [\d.]+; none of 300 normals is as rare\)", told)


@pytest.mark.parametrize("dtype", [None, "pandas"])
def test_a_model_from_before_claims_nothing_of_values_missing_where_fit_saw_all(dtype):
    """They have the features of a typical value, which is not what was seen."""
    detector = KNN().fit(TOY)
    content = detector.encoder_.to_json()
    for column in content["columns"]:
        column.get("learned", {}).pop("gap", None)
    detector.encoder_ = TableEncoder.from_json(content)
    gaps = toy_rows(level=None, is_new=None, amount=80.0)
    gaps = pl.concat([gaps, toy_rows(amount=80.0)])
    reasons = explain(detector, gaps.to_pandas() if dtype else gaps)
    names = list(reasons.columns)
    untold = np.isnan(reasons.rarity)
    assert [names[j] for j in np.flatnonzero(untold[0])] == ["level", "is_new"]
    assert not untold[1].any()
    assert "not unusual" not in reasons._said(0, names.index("level"))


def test_gaps_among_the_normal_rows_are_counted_as_such():
    detector = KNN().fit(TOY)
    some = TOY.with_columns(level=pl.when(pl.int_range(N) % 4 == 0).then(None).otherwise("level"))
    reasons = explain(detector, toy_rows(level=None), reference=some)
    assert reasons.rarity[0, 0] == pytest.approx(0.25)
    assert reasons.normals["level"].null_count() == N / 4


def test_a_rows_reasons_do_not_depend_on_the_rows_beside_it():
    for cls in (KNN, Mahalanobis, IsolationForest, ALAD):
        detector = fitted(cls, "array")
        every = explain(detector, NEW, reference=X)
        for i in (0, 7, 29):
            one = explain(detector, NEW[i : i + 1], reference=X)
            assert one.contributions[0] == pytest.approx(every.contributions[i], abs=1e-12)
            assert np.array_equal(one.nearest[0], every.nearest[i])
            assert np.array_equal(one.rarity[0], every.rarity[i])


@pytest.mark.parametrize("cls", SHALLOW)
def test_two_columns_that_say_the_same_are_both_named(cls):
    """A gross amount beside a net one: neither alone makes the row normal."""
    rng = np.random.default_rng(0)
    net, others = rng.normal(100, 10, 600), rng.normal(size=(600, 4))
    rows = np.column_stack([others, net, 1.2 * net + rng.normal(0, 0.05, 600)])
    detector = cls(random_state=0).fit(rows[:300])
    strange = np.column_stack([others[:20], np.full(20, 200.0), np.full(20, 240.0)])
    found = explain(detector, strange, reference=rows[300:]).contributions
    assert (np.sort(np.argsort(-found, axis=1)[:, :2]) == [4, 5]).all()
    assert (found[:, 4:] > 0).all()


def test_equal_rows_are_explained_once(shallow, monkeypatch):
    judged = []
    monkeypatch.setattr(
        shallow, "_judged", lambda x, judge=shallow._judged: (judged.append(len(x)), judge(x))[1]
    )
    one, other = toy_rows(amount=80.0), toy_rows(level=90.0)
    explain(shallow, pl.concat([one, other]), reference=TOY)
    twice = explain(shallow, pl.concat([one, other, one]), reference=TOY)
    assert len(judged) == 2  # one call each
    assert judged[0] == judged[1] <= 2 * (2 + len(TOY.columns))
    assert np.array_equal(twice.contributions[0], twice.contributions[2])
    assert twice.to_frame(2).row(0) == twice.to_frame(2).row(2) != twice.to_frame(2).row(1)
    assert twice.seen["level"].to_list() == [50, 90, 50]


def test_a_frame_and_its_array_agree():
    numbers = TOY.select("level", "amount", "rest")
    rows = np.array([[50.0, 80, 100], [90, 1, 100]])
    frame = explain(KNN().fit(numbers), pl.DataFrame(rows, schema=numbers.columns))
    array = explain(KNN().fit(numbers.to_numpy()), rows)
    assert array.columns == ("x0", "x1", "x2")
    assert frame.contributions == pytest.approx(array.contributions, abs=1e-5)  # float32, float64
    assert np.array_equal(frame.rarity, array.rarity)
    assert np.array_equal(frame.nearest, array.nearest)
    assert frame.seen.rows() == array.seen.rows()


def test_what_float32_cannot_tell_apart_is_no_difference():
    rows = np.full((100, 3), 0.1)  # no float32
    rows[:, 1:] = RNG.normal(size=(100, 2)) + 0.3
    strange = rows[5:6].copy()
    strange[0, 1] = 50
    for detector in (KNN().fit(rows), Mahalanobis().fit(rows)):
        reasons = explain(detector, strange, reference=rows)
        assert reasons.rarity[0, 0] == 1
        assert reasons.rarity[0, 2] > 0
        assert reasons.nearest[0, 0] == 5
        assert reasons.contributions[0, [0, 2]].tolist() == [0, 0]
        assert reasons.expected["x0"].to_list() == [0.1]


def test_nothing_is_drawn():
    first, second = (explain(fitted(ALAD), NEW) for _ in range(2))
    assert np.array_equal(first.contributions, second.contributions)


# --------------------------------------------------------------------------- the reference


def test_a_saved_model_gives_the_same_reasons(tmp_path):
    detector = fitted(ALAD, "frame")
    detector.save(tmp_path / "model")
    one, other = explain(detector, NEW_FRAME), explain(load(tmp_path / "model"), NEW_FRAME)
    assert np.array_equal(one.contributions, other.contributions)
    assert one.to_frame(2).equals(other.to_frame(2))


@pytest.mark.parametrize("scaling", ["standard", "log-standard", "minmax", "none"])
def test_kept_rows_come_back_as_they_were(scaling):
    detector = KNN(scaling=scaling).fit(TOY)
    normals = explain(detector, TOY[:1]).normals
    for name in ("kind", "is_new", "version"):
        assert normals[name].to_list() == TOY[name].to_list()
    assert normals["level"].to_numpy() == pytest.approx(TOY["level"].to_numpy(), abs=0.01)


def test_the_rows_of_a_memory_are_training_rows():
    few = new(ALAD, epochs=0).fit(X[:40])  # squashed: fewer than ten rows a column
    rows = _normal_rows(few, None)
    near = np.abs(rows[:, None] - X[:40]).max(axis=2).min(axis=1)
    assert near.max() < 0.02 * X.std()


KINDS = TOY.head(60).with_columns(
    when=pl.Series([f"2026-01-{1 + i % 28:02d} {i % 24:02d}:30:00" for i in range(60)]),
    rest=None,
    host=pl.Series([f"10.0.{i % 7}.{i}" for i in range(60)]),
)


@pytest.mark.parametrize("detector", [new(ALAD, epochs=0), new(KNN)], ids=["ALAD", "KNN"])
def test_a_training_row_is_as_the_model_holds_it(detector):
    """Which is to half precision."""
    reasons = explain(detector.fit(KINDS), KINDS[:20])
    assert (reasons.contributions == 0).all()
    assert (reasons.rarity > 0).all()
    assert reasons.expected["level"].to_list() == pytest.approx(KINDS["level"][:20], rel=1e-6)


def test_what_is_missing_or_new_is_not_rounded_to_what_the_model_holds():
    odd = KINDS[:2].with_columns(level=None, when=None, host=None, kind=pl.lit("never"))
    reasons = explain(new(ALAD, epochs=0).fit(KINDS), odd)
    rarity = dict(zip(reasons.columns, reasons.rarity[0].tolist(), strict=True))
    assert {rarity[name] for name in ("level", "when", "host", "kind")} == {0}


def test_what_was_kept_for_calibration_comes_first():
    class Calibration:
        rows = X[:20].astype(np.float32)

    detector = new(KNN).fit(X)
    detector.calibration_ = Calibration()
    assert explain(detector, NEW).normals.height == 20
    assert explain(detector, NEW, reference=X[:9]).normals.height == 9


def test_a_large_reference_is_drawn_from(monkeypatch):
    monkeypatch.setattr("alad.reasons.explanation.MOST_ROWS", 50)
    normals = explain(KNN(random_state=0).fit(TOY), TOY[:1]).normals
    assert normals.height == 50


def test_without_normal_rows_a_network_expects_its_reconstruction():
    detector = fitted(AutoEncoder, "frame")
    reasons = explain(detector, NEW_FRAME)
    assert np.isnan(reasons.rarity).all()
    assert reasons.nearest.shape == (4, 0)
    assert reasons.normals.height == 0
    assert set(reasons.expected["proto"]) <= {None, "tcp", "udp"}
    assert "normals" not in " ".join(str(reasons.text(i)) for i in range(4))


def test_without_anything_to_compare_with_it_says_what_to_do():
    with pytest.raises(InputError, match=r"IsolationForest holds none\. Call detector\.calibrate"):
        explain(fitted(IsolationForest), NEW)
    with pytest.raises(InputError, match="Mahalanobis holds none"):
        check_reference(fitted(Mahalanobis))
    check_reference(fitted(AutoEncoder))


def test_pictures_are_refused():
    detector = ALAD(preset="pictures")
    detector.offset_ = 0.0  # the last that a fit sets
    with pytest.raises(InputError, match="Expected a detector of tables; this ALAD takes pictures"):
        explain(detector, np.zeros((1, 8, 8, 3)))


def test_an_unfitted_detector_is_refused():
    with pytest.raises(NotFittedError):
        explain(KNN(), NEW)


def test_other_columns_are_refused():
    with pytest.raises(InputError, match="missing: 'rest'"):
        explain(KNN().fit(TOY), TOY.drop("rest"))
    with pytest.raises(InputError, match="3 features"):
        explain(fitted(KNN), NEW, reference=X[:, :3])


def test_a_score_that_overflows_has_reasons_that_are_finite():
    reasons = explain(fitted(KNN), np.full((1, 5), 3e38), reference=X)
    assert np.isfinite(reasons.contributions).all()


@pytest.mark.parametrize("k", [-1, 1.5, True, "1"])
def test_reasons_are_counted_in_whole_numbers(k):
    reasons = explain(KNN().fit(TOY), TOY[:1])
    with pytest.raises(InputError, match="at least 1 reason"):
        reasons.to_frame(k)
    with pytest.raises(InputError, match="the place of a reason, 0 for the first; got"):
        reasons.text(0, k)


def test_rows_prepared_once_say_the_same():
    detector = KNN().fit(TOY)
    explainer = Explainer(detector, reference=TOY)
    for rows in (TOY[:3], toy_rows(kind="never"), TOY[5:6]):
        ours, other = explainer.explain(rows), explain(detector, rows, reference=TOY)
        assert np.array_equal(ours.contributions, other.contributions)
        assert ours.to_frame(3).equals(other.to_frame(3))
        assert ours.normals.equals(other.normals)


@pytest.mark.parametrize("hold", ["kept", "calibrated", "given"])
def test_numbers_of_an_array_that_float32_merges_have_reasons(hold):
    rng = np.random.default_rng(0)
    normal = np.column_stack([rng.normal(size=300), 1.7e9 + 10 * rng.normal(size=300)])
    detector = KNN().fit(normal)
    if hold == "calibrated":
        detector.calibrate(normal)
    reasons = explain(detector, [[0, 1.7e9 + 60]], reference=normal if hold == "given" else None)
    assert re.fullmatch(
        r"x1 1700000060 \(expected 17000000[12]\d; none of 300 normals is as extreme\)",
        reasons.text(0),
    )
    assert reasons.contributions[0].sum() > 3
    assert reasons.rarity[0, 1] == 0


def test_a_value_of_an_array_is_the_same_in_single_and_double_precision():
    rng = np.random.default_rng(0)
    normal = np.column_stack([rng.choice([0.1, 0.7], 100), rng.normal(size=100)])
    detector = KNN().fit(normal).calibrate(normal)
    for dtype in (np.float32, np.float64):
        reasons = explain(detector, np.array([[0.1, 9]], dtype))
        assert reasons.contributions[0, 0] == 0
        assert reasons.rarity[0, 0] > 0.4

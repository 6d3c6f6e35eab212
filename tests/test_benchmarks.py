"""What the benchmarks of choices make of tables and of numbers."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import jax
import numpy as np
import polars as pl
import pytest

from alad.datasets import Protocol
from alad.estimators._programs import in_blocks, program
from alad.preprocessing.scaling import fit_scaler
from alad.scores.memory import DOUBT
from benchmarks import ablation, anew, features, forgeries, latent
from benchmarks.beside import Beside
from benchmarks.candidates import VARIATIONS, Cosine, noise_logits, weights_of
from benchmarks.candidates import between as points_between
from benchmarks.conformal import Pool, sizes, split
from benchmarks.conformal import summary as conformal
from benchmarks.fresh import CONTESTANTS, Problem, problems, read, summary
from benchmarks.look import MIXED, NORMAL
from benchmarks.look import folders as looked_at
from benchmarks.memories import COMPARED, Refilled
from benchmarks.memories import variations as refilled
from benchmarks.mixtures import FLOOD, em_energy, judged
from benchmarks.permutation import shapley
from benchmarks.reasons import BEYOND, UNSEEN, ranks, spoiled
from benchmarks.robust import variations as careful
from benchmarks.robust import with_left_over
from benchmarks.run import Race, summarise
from benchmarks.scalings import judged as scaled_by
from benchmarks.scalings import of_several_fits, with_flags
from benchmarks.selection import CRITERIA, SCORES, exchanged, noisy
from benchmarks.selection import summary as selected
from benchmarks.tried import Remembering, variations
from benchmarks.washers import judged as judge_washers
from benchmarks.washers import read as read_washers
from benchmarks.washers import washer, write

FILE = """@relation made
@attribute a real
@data
1.5, red, yes
2.5, blue, no
?, red, no
-1, red, yes
"""


def test_a_keel_file_is_read(tmp_path):
    (tmp_path / "made.dat").write_text(FILE)
    x, classes = read(tmp_path / "made.dat")
    assert x.tolist() == [[1.5, 0, 1], [2.5, 1, 0], [-1, 0, 1]]  # blue, red
    assert classes.tolist() == ["yes", "no", "yes"]


def test_a_set_becomes_two_problems(tmp_path):
    rows = [f"{i}, {'big' if i < 200 else 'small' if i < 300 else 'rest'}" for i in range(310)]
    (tmp_path / "made.dat").write_text("\n".join(rows))
    first, second = problems(tmp_path / "made.dat", 0)
    assert (first.x_train < 200).all()
    assert len(first.x_train) == 100
    assert first.y_test.sum() == 25
    assert ((first.x_test[:, 0] >= 200) == first.y_test).all()
    assert ((second.x_train >= 200) & (second.x_train < 300)).all()


def test_a_set_too_small_gives_no_problem(tmp_path):
    (tmp_path / "made.dat").write_text("\n".join(f"{i}, {i % 2}" for i in range(20)))
    assert not list(problems(tmp_path / "made.dat", 0))


def test_who_is_ahead_is_counted():
    def of(first, other):
        return {
            name: dict.fromkeys(("auroc", "average_precision", "f1"), value)
            for name, value in zip(names, (first, *[other] * (len(names) - 1)), strict=True)
        }

    names = list(CONTESTANTS)
    rows = summary({"a": of(0.9, 0.8), "b": of(0.7, 0.8), "c": of(0.9, 0.9)})
    assert rows["LOF"]["auroc"] == pytest.approx(2.5 / 3)
    assert (rows["LOF"]["ahead"], rows["LOF"]["behind"]) == (1, 1)
    assert sum(row["rank"]["auroc"] for row in rows.values()) == sum(range(1, len(names) + 1))
    assert rows[names[0]]["p"] == {}
    assert 0 < rows["LOF"]["p"]["auroc"] <= 1


def test_rows_made_of_held_out_ones_keep_their_columns_values():
    rng = np.random.default_rng(0)
    held = rng.normal(size=(50, 4)).astype(np.float32)
    other = exchanged(held, rng)
    assert all(set(other[:, j]) <= set(held[:, j]) for j in range(4))
    assert (other != held).any(axis=1).mean() > 0.5
    assert 0.2 < (noisy(held, rng) - held).std() / held.std() < 0.4


def test_a_criterion_that_knows_gains_and_one_that_errs_loses():
    first, second, third = CRITERIA
    trainings = {
        str(i): {s: {"auroc": a, first: a, second: -a, third: 0.0} for s in SCORES}
        for i, a in enumerate((0.6, 0.9, 0.8))
    }
    rows = {row["criterion"]: row for row in selected({"table": trainings})}
    assert (rows[first]["correlation"], rows[first]["chosen"]) == (1.0, 0.9)
    assert (rows[second]["correlation"], rows[second]["chosen"]) == (-1.0, 0.6)
    assert rows[third]["correlation"] == 0
    assert rows[first]["by_lot"] == pytest.approx(2.3 / 3)
    assert rows[first]["default"] == 0.6


def test_a_split_of_scores_without_an_anomaly_apart_finds_what_the_level_allows():
    rng = np.random.default_rng(0)
    alike = Pool(*(rng.normal(size=600) for _ in range(3)))
    apart = Pool(alike.normal, alike.anomalous + 9, alike.trained)
    none, all_ = (conformal([split(pool, seed) for seed in range(30)]) for pool in (alike, apart))
    assert none["levels"]["0.05"]["any_discovery"] < 0.2
    assert all_["levels"]["0.1"]["power"] == 1
    assert all_["levels"]["0.1"]["fdp"] < 0.09 + 3 * all_["levels"]["0.1"]["fdp_se"]
    assert all_["splits"] == 30
    assert 0.01 < all_["uniformity_p"]


def test_rows_of_a_split_are_one_in_ten_anomalies():
    train, calibration, test, strange = sizes(60_000, 9_999)
    assert (train, calibration, test) == (20_000, 2_000, 2_000)
    assert strange / (test + strange) == pytest.approx(0.1, abs=1e-3)
    assert sizes(40, 1) == (20, 10, 10, 1)


def test_one_column_is_spoiled_and_it_is_told_which():
    rng = np.random.default_rng(0)
    train = pl.DataFrame(
        {"a": rng.normal(size=60), "b": rng.random(60), "c": ["x", "y"] * 30, "d": [1.0] * 60}
    )
    rows = train[:20]
    made = spoiled(train, rows, rng)
    assert set(made.how) == {*BEYOND, "unseen", "legal"}
    for row, source, column, how in zip(
        made.rows.rows(), made.source, made.column, made.how, strict=True
    ):
        changed = [j for j in range(4) if row[j] != rows.row(source)[j]]
        assert changed == [column]
        values = train[:, int(column)]
        if how in BEYOND:
            assert row[column] > values.max() or row[column] < values.min()
        elif how == "unseen":
            assert row[column] == UNSEEN
        else:
            assert row[column] in values


def test_of_equal_values_the_spoiled_column_comes_last():
    values = np.array([[3.0, 1, 2], [0, 0, 0]])
    assert ranks(values, np.array([2, 1])).tolist() == [2, 3]


def test_permutations_give_the_shapley_values_of_a_small_game():
    column = np.array([0, 1, 1])
    x, background = np.array([[1.0, 2, 3]]), np.zeros((2, 3))

    def judge(rows):
        return rows[:, 0] * rows[:, 1] + rows[:, 2]

    found = shapley(judge, x, background, column, pairs=3, seed=0)
    assert found == pytest.approx(np.array([[1, 4.0]]))  # 2 for both together, and 3


@pytest.mark.parametrize(("by_kind", "expected"), [(False, [1, 2, 4, 8]), (True, [1, 2, 1, 2])])
def test_contestants_are_compared_with_the_first_of_all_or_of_their_kind(by_kind, expected):
    measured = {"a, now": [8.0], "a, before": [4.0], "b, now": [2.0], "b, before": [1.0]}
    race = Race("rows/s", 1, 0, True, dict.fromkeys(measured, float), by_kind=by_kind)
    assert [row["ratio"] for row in summarise(race, measured).values()] == expected


def test_a_larger_floor_raises_a_knot_of_kept_rows_and_nothing_in_the_crowd():
    rng = np.random.default_rng(0)
    crowd, knot = rng.normal(size=(400, 3)), 30 + 0.1 * rng.normal(size=(20, 3))
    detector = Remembering(epochs=0, random_state=0).fit(np.concatenate([crowd, knot]))
    rows = np.concatenate([crowd[:50], knot + 0.05])
    before = detector.score_samples(rows)
    found = dict(variations(detector, rows))
    assert np.array_equal(found["ALAD(), a floor of 0.02"], -before)
    raised = found["a floor of 0.05"] - found["no floor"]
    assert raised[:50].max() < 0.3
    assert raised[50:].min() > 1
    assert np.array_equal(detector.score_samples(rows), before)


@pytest.mark.slow
def test_other_doubts_lie_between_none_and_the_defaults():
    rng = np.random.default_rng(0)
    line = rng.normal(size=(400, 1)) * np.ones(3) + 0.1 * rng.normal(size=(400, 3))
    detector = Remembering(epochs=200, random_state=0).fit(line)
    rows = np.concatenate([line[:50], rng.normal(size=(50, 3)), 30 + line[:5]])
    found = dict(variations(detector, rows))
    none, whole = found["no doubt"], found["ALAD(), a floor of 0.02"]
    least, fading = found["a doubt of 1 at most, not 8"], found["a doubt that fades far out"]
    for between in (least, fading):
        assert (none <= between + 1e-9).all()
        assert (between <= whole + 1e-9).all()
    assert (least - none).max() == pytest.approx(DOUBT)
    assert (whole - none)[:100].max() > 2 * DOUBT
    assert (fading[-5:] - none[-5:] < (whole[-5:] - none[-5:]) / 10).all()


@pytest.mark.slow
def test_a_belief_settled_by_the_same_prior_is_the_defaults():
    line = np.random.default_rng(0).normal(size=(400, 1)) * np.ones(3)
    detector = Remembering(epochs=50, random_state=0).fit(line)
    rows = np.random.default_rng(1).normal(size=(40, 3))
    with mock.patch("benchmarks.tried.PRIORS", (30, 1000)):
        found = dict(variations(detector, rows))
    whole, none = found["ALAD(), a floor of 0.02"], found["no doubt"]
    assert found["a doubt with a prior of 30 rows"] == pytest.approx(whole, abs=1e-4)
    less, twice = found["a doubt with a prior of 1000 rows"], found["a doubt 2 times as heavy"]
    assert (less - none).mean() < (whole - none).mean() < (twice - none).mean()


@pytest.mark.slow
def test_other_memories_are_told_from_the_defaults():
    rng = np.random.default_rng(0)
    crowd, knot = rng.normal(size=(400, 3)), 30 + 0.1 * rng.normal(size=(20, 3))
    detector = Refilled(epochs=0, random_state=0).fit(np.concatenate([crowd, knot]))
    rows = np.concatenate([crowd[:50], knot + 0.05]).astype(np.float32)
    before = detector.score_samples(rows)
    with mock.patch("benchmarks.memories.COMPARED", {**COMPARED, "the same": (10, 1 / 3)}):
        found = dict(refilled(detector, rows))
    for name in ("ALAD()", "the same", "no fewer", "16,384 kept rows"):
        assert found[name] == pytest.approx(-before, abs=1e-5), name
    for name in ("without knots", "less 5 %, by distance to the crowd", "less 10 %, by rank"):
        (score,) = (s for n, s in found.items() if n.startswith(name) and "," not in n[len(name) :])
        assert score[50:].min() > -before[50:].max() + 1, name
        assert score[:50] == pytest.approx(-before[:50], abs=0.7), name


def told_apart(found):
    assert all(np.isfinite(score).all() for score in found.values())
    return len({tuple(score.round(4)) for score in found.values()}) == len(found)


def few_rows():
    rng = np.random.default_rng(0)
    wild = 0.1 * rng.lognormal(size=(220, 40)) ** 2
    x = rng.normal(size=(220, 2)) @ rng.normal(size=(2, 40)) + wild
    x[:5] = x[0] + 1e-3 * rng.normal(size=(5, 40))  # closer to each other than the floor
    return x[:180], np.concatenate([x[180:], x[:5] + 1e-3])


@pytest.mark.slow
def test_every_part_of_the_score_that_the_ablation_leaves_out_makes_a_difference():
    known, new = few_rows()
    detector = Refilled(epochs=1, random_state=0).fit(known)
    found = dict(ablation.of_the_same_fit(detector, detector._scaled(new)))
    assert len(found) == 8
    assert told_apart(found)


@pytest.mark.slow
def test_every_form_of_the_ablation_is_another():
    known, new = few_rows()
    found = dict(ablation.of_one_split(SimpleNamespace(x_train=known, x_test=new), 0))
    assert len(found) == 25
    assert told_apart(found)


def test_the_ablation_compares_a_form_with_what_it_comes_from():
    one = {"auroc": 1.0, "average_precision": 0.5, "f1": 0.5}
    names = ("ALAD()", "ALAD(), no doubt", "the paper's", "the paper's, a memory")
    same = dict.fromkeys(names, one)
    other = same | {"ALAD(), no doubt": one | {"auroc": 0.8}, "the paper's": one | {"f1": 0.3}}
    found = ablation.summary({"a, 0": same, "a, 1": other, "b, 0": same})
    of_auroc = {"mean": 0.95, "difference": -0.05, "below": 1}
    assert found["ALAD(), no doubt"]["auroc"] == pytest.approx(of_auroc)
    of_f1 = {"mean": 0.5, "difference": 0.05, "below": 0}
    assert found["the paper's, a memory"]["f1"] == pytest.approx(of_f1)


@pytest.mark.slow
def test_distances_in_features_are_told_from_those_in_columns():
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=(300, 4)), rng.normal(size=(20, 4)).astype(np.float32)
    detector = Refilled(epochs=1, random_state=0).fit(known)
    found = dict(features.variations(detector, new))
    assert len(found) == 19
    assert found.pop("columns, with doubt") == pytest.approx(found["ALAD()"], abs=1e-5)
    assert told_apart(found)
    local = detector.by("local-distance", detector._scaled(new))
    assert found["columns"] == pytest.approx(local, abs=1e-5)


@pytest.mark.slow
def test_what_networks_make_of_a_row_has_a_say_beside_its_columns():
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=(300, 4)), rng.normal(size=(20, 4)).astype(np.float32)
    split = Problem(known, new, np.repeat([False, True], 10), new[:0])
    with mock.patch.object(latent, "FITS", {", untrained": {"epochs": 0}}):
        found = dict(latent.of_two_fits(split, 0))
    assert list(found)[:2] == ["ALAD(), untrained", "E(x) beside columns, untrained"]
    assert len(found) == 4
    assert told_apart(found)


def test_every_other_row_is_forged_by_exchange_and_the_rest_between_rows():
    known = np.arange(50.0, dtype=np.float32)[:, None] ** np.arange(1, 4)
    forged = np.asarray(forgeries.either(known, jax.random.key(0)))
    assert all(np.isin(forged[::2, j], known[:, j]).all() for j in range(3))
    assert np.isin(forged[1::2], known).mean() < 0.5


@pytest.mark.slow
def test_forgeries_between_rows_change_what_is_learned_and_what_is_believed():
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=(300, 4)), rng.normal(size=(20, 4)).astype(np.float32)
    split = Problem(known, new, np.repeat([False, True], 10), new[:0])
    found = dict(forgeries.of_three_fits(split, 0))
    assert len(found) == 7
    assert told_apart(found)


def test_a_more_careful_default_forgets_knots_and_doubts_less_far_out():
    rng = np.random.default_rng(0)
    crowd, knot = rng.normal(size=(400, 3)), 30 + 0.1 * rng.normal(size=(20, 3))
    known = np.concatenate([crowd, knot])
    new = np.concatenate([rng.normal(size=(50, 3)), knot + 0.05]).astype(np.float32)
    detector = Refilled(epochs=0, random_state=0).fit(known)
    found = dict(careful(detector, new))
    assert (found["no tight knots"][50:] > found["ALAD()"][50:] + 1).all()
    assert found["no tight knots"][:50] == pytest.approx(found["ALAD()"][:50], abs=0.5)
    assert (found["a doubt that fades"] <= found["ALAD()"] + 1e-6).all()
    assert (found["both"] <= found["no tight knots"] + 1e-6).all()


def test_training_anew_leaves_out_knots():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(400, 3)), 30 + 0.1 * rng.normal(size=(20, 3))])
    detector = Refilled(epochs=0, leave_out_knots=True, random_state=0).fit(x)
    assert (anew.is_left(detector, x) == (np.arange(420) < 400)).all()


def test_anomalies_are_left_over_from_others_first():
    known, new = np.zeros((95, 2), np.float32), np.ones((20, 2), np.float32)
    is_anomaly = np.arange(20) >= 10
    few = Problem(known, new, is_anomaly, 2 * np.ones((1, 2), np.float32))
    found = with_left_over(few, 0)
    assert sorted(found.x_train[95:, 0]) == [1, 1, 1, 1, 2]
    assert len(found.x_test) == len(found.y_test) == 16
    assert found.y_test.sum() == 6
    many = replace(few, left=np.full((30, 2), 3, np.float32))
    assert (with_left_over(many, 0).x_train[95:] == 3).all()
    assert len(with_left_over(many, 0).x_test) == 20


@pytest.mark.parametrize("power", [0, 0.5, 0.75])
def test_zeros_and_ones_are_as_wide_as_numbers_where_half_of_the_rows_have_them(power):
    x = np.stack([np.arange(4000) % 2, np.arange(4000) % 100 == 0], axis=1)
    with with_flags(2 * power, 0.5 ** (1 - power)):
        half, rare = fit_scaler("log-standard", x).transform(x).std(axis=0)
    assert half == pytest.approx(1, rel=1e-3)
    assert rare == pytest.approx((2 * x[:, 1].std()) ** (1 - power), rel=0.01)


def test_scalings_change_what_they_say():
    rng = np.random.default_rng(0)
    x = np.column_stack(
        [rng.lognormal(size=200) ** 2, rng.random(200) < 0.05, rng.normal(size=200)]
    )
    known, new = x[:150], np.concatenate([x[150:], 50 * x[150:]])
    found = dict(of_several_fits(SimpleNamespace(x_train=known, x_test=new), 0))
    default = found.pop("ALAD() untrained")
    with with_flags(1):
        assert np.array_equal(scaled_by(known, new, 0), default)
    assert len(found) == 11
    for name, score in found.items():
        assert np.isfinite(score).all(), name
        assert not np.array_equal(score, default), name


@pytest.mark.slow
@pytest.mark.parametrize(
    "variation",
    [
        "three times the steps",
        "denoising by 10",
        "cosine schedule",
        "spectral normalisation",
        "dropout in D_xz",
        "four seeds as one",
        "exchanged columns without the games",
        "noise and exchange",
        "the same in place of exchange",
        "reweighting",
    ],
)
def test_a_candidate_trains_otherwise_than_the_default(variation):
    x = np.random.default_rng(0).normal(size=(60, 3))
    made = [VARIATIONS[name]() for name in ("ALAD()", variation)]
    default, other = (
        detector.set_params(epochs=2, random_state=0, anomaly_score="l1").fit(x)
        for detector in made
    )
    assert np.isfinite(other.score_samples(x)).all()
    assert not np.array_equal(other.score_samples(x), default.score_samples(x))


def test_points_between_rows_lie_on_their_lines():
    x = jax.random.normal(jax.random.key(0), (40, 3))
    found = np.asarray(points_between(x, jax.random.key(1)))
    rows = np.asarray(x)
    own = np.linalg.norm(rows - found, axis=1)
    rest = np.linalg.norm(found[:, None] - rows, axis=2)
    whole = np.linalg.norm(rows[:, None] - rows, axis=2)
    assert (own[:, None] + rest - whole).min(axis=1) == pytest.approx(np.zeros(40), abs=1e-5)
    assert len(np.unique(found.round(5), axis=0)) == 40


def test_weights_fall_beyond_the_upper_quartile():
    assert weights_of(np.array([0.0, 1, 2, 3, 4])) == pytest.approx([1, 1, 1, 1, np.exp(-1)])


@pytest.mark.slow
def test_noise_of_a_told_size_is_doubted():
    x = np.random.default_rng(0).normal(size=(600, 2)) @ [[1, 1], [0, 0.1]]
    detector = VARIATIONS["the same in place of exchange"]().set_params(epochs=60, random_state=0)
    detector.fit(x)
    run = program(detector.players_, noise_logits)
    scaled = detector._scaled(detector._matrix(x, fitting=False))
    noise = scaled + np.random.default_rng(1).normal(size=scaled.shape).astype(np.float32)
    of_rows, of_noise = (in_blocks(run, detector.weights_, z)[:, 1] for z in (scaled, noise))
    assert np.mean(of_rows[:, None] > of_noise) > 0.8


def test_flaws_are_where_they_were_made(tmp_path):
    drawn = {
        flaw: np.array([washer(np.random.default_rng(i), flaw) for i in range(20)], float)
        for flaw in (None, "hole", "scratch", "bite")
    }
    lit = {flaw: np.sort(x.reshape(20, -1), axis=1) for flaw, x in drawn.items()}
    assert (lit["scratch"][:, -3] > lit[None][:, -3]).mean() > 0.7
    metal = {flaw: (x > 100).sum(axis=1) for flaw, x in lit.items()}
    assert metal["bite"].mean() + 4 < metal[None].mean() < metal["hole"].mean() - 4
    places = (slice(8, 12), slice(20, 24))
    holes = {
        flaw: np.array([x[:, a, b].mean(axis=(1, 2)) for a in places for b in places]).max(axis=0)
        for flaw, x in drawn.items()
    }
    assert holes[None].max() < holes["hole"].min()
    write(tmp_path / "mixed", [None, None, "hole", "scratch", "bite"], np.random.default_rng(0))
    x, kinds = read_washers(tmp_path / "mixed")
    assert x.shape == (5, 32, 32, 1)
    assert kinds == ["sound", "sound", "hole", "scratch", "bite"]
    found = judge_washers(np.array([0.1, 0.3, 0.2, 0.4, 0.0]), kinds)
    assert found == {"all": 0.5, "hole": 0.5, "scratch": 1.0, "bite": 0.0}


def test_a_rate_falls_to_nothing():
    rate = Cosine(0.5, 100)
    assert [float(rate(step)) for step in (0, 50, 100, 200)] == pytest.approx([0.5, 0.25, 0, 0])


def test_a_mixture_that_em_fits_finds_what_one_gaussian_does_not():
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(400, 1)) * 0.1 + rng.choice([-3, 3], size=(400, 1))
    energy = em_energy(ends, np.array([[0.0], [3.0], [-3.0]]), 2, 0)
    assert energy[0] > energy[1:].max() + 10


def test_a_training_of_dagmm_is_judged_by_both_energies():
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    protocol = Protocol("toy", 0.5, 0.0, "neptune", 0.2)
    kinds = np.array([FLOOD] * 10 + ["other"] * 20)
    split = SimpleNamespace(
        x_train=x[:60], x_test=x[60:], y_test=kinds != FLOOD, kind_test=kinds, protocol=protocol
    )
    found = judged(split, 0, epochs=1)
    assert 0.25 <= found.pop("largest_component") <= 1
    assert all(0 <= value <= 1 for value in found.values())
    assert len(found) == 5


@pytest.mark.slow  # it compiles by itself
def test_another_python_says_who_it_is_and_measures():
    other = Beside(sys.executable, 2)
    assert other.name == f"Python {platform.python_version()}, JAX {jax.__version__}"
    assert 0 < other.time_steps(1) < 60
    other.close()
    assert other.process.returncode == 0


def test_another_python_that_ends_is_an_error(tmp_path):
    gone = tmp_path / "python"
    gone.write_text("#!/bin/sh\nexit 3\n")
    gone.chmod(0o755)
    other = Beside(str(gone), 2)
    with pytest.raises(RuntimeError, match="it ended"):
        other.time_steps(1)
    other.close()


def test_pictures_to_look_at_are_others_than_were_learned_from():
    n = NORMAL + 2 * MIXED
    x = np.arange(2 * n)
    parts = looked_at(x, x % 2 == 0)
    assert parts["normal"].tolist() == list(range(0, 2 * NORMAL, 2))
    own, others = parts["mixed"][:MIXED], parts["mixed"][MIXED:]
    assert not set(own) & set(parts["normal"])
    assert (len(own), len(others), others.max()) == (MIXED, MIXED, 2 * MIXED - 1)
    assert (own % 2 == 0).all()

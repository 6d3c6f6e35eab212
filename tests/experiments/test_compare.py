"""Tables of stored results: against SciPy's statistics, and against values worked out by hand."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from alad.experiments.compare import METRICS, _holm, compared, signed_rank, summary, within
from alad.experiments.published import PUBLISHED, as_printed
from alad.experiments.record import plain
from alad.experiments.registry import METHODS, Row, Table
from alad.experiments.results import Job, write

SEEDS = 10
RNG = np.random.default_rng(4)
F1 = {
    name: RNG.normal(0.9, 0.02, SEEDS).tolist()
    for name in ("features", "l1", "features of another", "logits")
}

ROWS = (
    Row("OC-SVM", "oc-svm", published="OC-SVM"),
    Row("ALAD", "alad", "features", "ALAD"),
    Row("ALAD, L1", "alad", "l1", "L1"),
    Row("ALICE", "alice", "features"),
    Row("PCA", "pca", control=True),
    Row("Isolation Forest", "if", published="IF"),
)
TABLE = Table("toy", "Toy", "kdd99", "paper", ROWS, note="Of toys.")


def metrics(f1, flagged=8):
    """What was measured at a cut; every metric has numbers of its own."""
    found = {metric: f1 + i / 16 for i, metric in enumerate(METRICS, -2)}
    return found | {"n_flagged": flagged, "n_anomalies": 10, "n": 40}


def store(folder, method, f1s, scale=1.0, seeds=None, commit="abc1234", data="aa", flagged=8):
    """Write a result with the F1 of each score for each seed; at the true rate it is 1/4 less."""
    job = Job(METHODS[method], "kdd99", "paper", False, scale)
    runs = [
        {
            "seed": seed,
            "split_seed": 42,
            "fingerprint": data,
            "code": job.code,
            "git": {"commit": commit, "dirty": False},
            "fit_seconds": 1.5,
            "scores": {
                score: {
                    "at_cut": metrics(values[i], flagged),
                    "at_true_rate": metrics(values[i] - 0.25, flagged),
                    "rows": 40,
                    "seconds": 0.02,
                }
                for score, values in f1s.items()
            },
        }
        for i, seed in enumerate(range(len(next(iter(f1s.values())))) if seeds is None else seeds)
    ]
    write(folder, job, runs, {})


@pytest.fixture
def folder(tmp_path):
    """Results of four methods; none of OC-SVM nor of the isolation forest."""
    store(tmp_path, "alad", {"features": F1["features"], "l1": F1["l1"]})
    store(tmp_path, "alice", {"features": F1["features of another"]})
    store(tmp_path, "pca", {"default": [0.93]})
    return tmp_path


def rows(folder, table=TABLE):
    """The rows of a table by label, as they stand in JSON."""
    found = json.loads(json.dumps(plain(compared(table, folder)), allow_nan=False))
    return {row["label"]: row for row in found["rows"]}


def table_of(*some, **others):
    return Table("toy", "Toy", "kdd99", "paper", some, **others)


# ----------------------------------------------------------------------------- of one method


def test_mean_deviation_and_interval_are_scipys():
    found = summary(F1["l1"])
    assert found["mean"] == pytest.approx(stats.tmean(F1["l1"]))
    assert found["sd"] == pytest.approx(stats.tstd(F1["l1"]))
    interval = stats.t.interval(0.95, SEEDS - 1, found["mean"], stats.sem(F1["l1"]))
    assert found["interval"] == pytest.approx(interval)
    assert found["n"] == SEEDS


def test_one_run_has_a_mean_and_no_more():
    assert summary([0.75]) == {"mean": 0.75, "sd": None, "interval": None, "n": 1}


@pytest.mark.parametrize(
    ("published", "is_within"),
    [(0.75, True), (0.25, True), (0.5, True), (0.7501, False), (0.2499, False)],
)
def test_two_standard_deviations_are_within(published, is_within):
    assert within({"mean": 0.5, "sd": 0.125}, published) is is_within


def test_without_a_deviation_nothing_is_said_of_the_distance():
    assert within({"mean": 0.5, "sd": None}, 0.5) is None


def test_a_row_sums_up_its_runs(folder):
    row = rows(folder)["ALAD, L1"]
    for metric, shift in zip(METRICS, (-2, -1, 0, 1, 2), strict=True):
        expected = summary([f1 + shift / 16 for f1 in F1["l1"]])
        assert row["ours"][metric]["mean"] == pytest.approx(expected["mean"])
        assert row["ours"][metric]["sd"] == pytest.approx(expected["sd"])
    assert row["f1_per_seed"] == {str(seed): f1 for seed, f1 in enumerate(F1["l1"])}
    assert (row["seeds"], row["rows"], row["seconds"]) == (list(range(SEEDS)), 40, 15)
    assert (row["job"], row["epochs_scale"], row["differs"]) == ("kdd99-paper-alad", 1, [])
    assert (row["settings"]["epochs"], row["commits"]) == (100, ["abc1234"])
    assert row["published"]["f1"] == 0.9185
    assert row["within"] is within(row["ours"]["f1"], 0.9185)


def test_a_row_says_where_no_seed_makes_a_difference(folder):
    store(folder, "oc-svm", {"default": [0.79, 0.79, 0.79]})
    (row,) = [row for row in compared(TABLE, folder)["rows"] if row["label"] == "OC-SVM"]
    assert row["within"] is False
    assert row["why"].endswith(
        "Ours is the same for every seed, so that any gap counts; this one is 0.0054."
    )


def test_a_row_says_where_the_published_runs_spread_as_far(folder):
    """0.9185 +- 0.0632 was printed of L1, 0.9501 +- 0.0018 of the features, no sd of others."""
    found = {label: row["why"] for label, row in rows(folder).items() if row["ours"]}
    gap = abs(np.mean(F1["l1"]) - 0.9185) / 0.0632
    assert found["ALAD, L1"] == (
        f"The published runs spread by 0.0632 themselves: ours is {gap:.1f} of their deviations "
        "away."
    )
    assert abs(np.mean(F1["features"]) - 0.9501) > 2 * 0.0018
    assert found["ALAD"] == found["ALICE"] == ""


def test_a_row_without_results_is_empty_and_says_so(folder):
    for label, published in (("OC-SVM", 0.7954), ("Isolation Forest", 0.9294)):
        row = rows(folder)[label]
        assert (row["ours"], row["within"], row["test"]) == (None, None, None)
        assert row["published"]["f1"] == published
    empty = compared(TABLE, folder / "nowhere")["rows"]
    assert [row["ours"] for row in empty] == [None] * len(ROWS)


def test_a_result_from_before_a_score_was_asked_for_is_none(folder):
    found = rows(folder, table_of(*ROWS, Row("ALAD, logits", "alad", "logits")))
    assert found["ALAD, logits"]["ours"] is None
    assert found["ALAD"]["ours"] is not None


def test_a_table_says_what_it_is_of(folder):
    found = compared(TABLE, folder)
    about = {key: value for key, value in found.items() if key != "rows"}
    assert about == {
        "name": "toy",
        "title": "Toy",
        "data_set": "kdd99",
        "protocol": "paper",
        "cut": "at_cut",
        "note": "Of toys.",
        "footnotes": {},
        "also_published": [as_printed(PUBLISHED["kdd99"]["ALAD, the talk"])],
        "made_otherwise": {},
    }
    assert [row["label"] for row in found["rows"]] == [row.label for row in ROWS]
    assert [row["control"] for row in found["rows"]] == [row.control for row in ROWS]
    assert [row["is_reference"] for row in found["rows"]] == [r.label == "ALAD" for r in ROWS]


def test_the_other_cut_has_the_other_metrics(folder):
    at_cut, at_true_rate = (
        rows(folder, table_of(*ROWS, cut=c)) for c in ("at_cut", "at_true_rate")
    )
    for label in ("ALAD", "PCA"):
        for metric in METRICS:
            here, there = (found[label]["ours"][metric]["mean"] for found in (at_cut, at_true_rate))
            assert here - there == pytest.approx(0.25)


def test_of_several_schedules_the_longest_counts_and_is_told(tmp_path):
    store(tmp_path, "alad", {"features": [0.5, 0.6], "l1": [0.5, 0.6]}, scale=0.5)
    row = rows(tmp_path)["ALAD"]
    assert (row["epochs_scale"], row["settings"]["epochs"], row["differs"]) == (0.5, 50, [])
    store(tmp_path, "alad", {"features": [0.7, 0.8], "l1": [0.7, 0.8]})
    row = rows(tmp_path)["ALAD"]
    assert (row["epochs_scale"], row["settings"]["epochs"]) == (1, 100)
    assert row["ours"]["f1"]["mean"] == pytest.approx(0.75)


def test_a_result_of_other_code_says_so(folder, monkeypatch):
    monkeypatch.setattr("alad.experiments.results.code_digest", lambda detector: "other")
    assert rows(folder)["ALAD"]["differs"] == ["code"]


# ----------------------------------------------------------------------- between two methods


def test_a_result_of_other_data_says_so_and_is_not_tested(folder):
    store(folder, "alice", {"features": F1["features of another"]}, data="bb")
    table = compared(TABLE, folder)
    assert table["made_otherwise"] == {"data": ["ALICE"]}
    tested = [row["label"] for row in table["rows"] if row["test"]]
    assert tested == ["ALAD, L1", "PCA"]


def test_with_alad_of_other_data_nothing_is_tested(folder):
    store(folder, "alad", {"features": F1["features"], "l1": F1["l1"]}, data="bb")
    store(folder, "if", {"default": F1["logits"]})
    table = compared(TABLE, folder)
    assert table["made_otherwise"] == {"data": ["ALAD", "ALAD, L1"]}
    assert not any(row["test"] for row in table["rows"])


def test_rows_that_flag_more_than_was_asked_for_are_named(folder):
    assert compared(TABLE, folder)["note"] == "Of toys."
    store(folder, "alice", {"features": F1["features of another"]}, flagged=20)
    note = compared(TABLE, folder)["note"]
    assert note.startswith("Of toys. Rows whose score is that of the cut are all flagged.")
    assert note.endswith("than the 20 % asked for, and F1 says less: ALICE (50 %).")
    at_true_rate = compared(dataclasses.replace(TABLE, cut="at_true_rate"), folder)["note"]
    assert at_true_rate.endswith("than the 25 % asked for, and F1 says less: ALICE (50 %).")


def test_a_method_is_tested_against_alad_over_the_seeds(folder):
    test = rows(folder)["ALICE"]["test"]
    gaps = np.array(F1["features of another"]) - F1["features"]
    assert test["difference"] == pytest.approx(gaps.mean())
    assert test["p"] == stats.wilcoxon(F1["features of another"], F1["features"]).pvalue
    assert test["seeds"] == SEEDS
    assert rows(folder)["ALAD"]["test"] is None


def test_one_run_without_chance_stands_for_every_seed(folder):
    test = rows(folder)["PCA"]["test"]
    assert test["p"] == stats.wilcoxon(0.93 - np.array(F1["features"])).pvalue
    assert test["difference"] == pytest.approx(0.93 - np.mean(F1["features"]))
    assert test["seeds"] == SEEDS


@pytest.mark.parametrize("n", [2, 5, 13, 14, 20])
def test_the_rank_test_is_scipys_with_ties_and_zeros(n):
    rng = np.random.default_rng(n)
    for gaps in (rng.integers(-3, 5, n) / 7, rng.normal(size=n), np.eye(n)[0]):
        assert signed_rank(gaps) == stats.wilcoxon(gaps).pvalue


def test_one_run_with_chance_stands_for_itself(folder):
    store(folder, "if", {"default": [0.95]})
    row = rows(folder)["Isolation Forest"]
    assert row["test"] is None
    assert (row["ours"]["f1"]["n"], row["within"]) == (1, None)


def test_only_seeds_that_both_have_are_compared(folder):
    store(folder, "if", {"default": [0.8, 0.85, 0.9]}, seeds=[4, 5, 99])
    test = rows(folder)["Isolation Forest"]["test"]
    assert test["seeds"] == 2
    assert test["difference"] == pytest.approx(np.mean([0.8, 0.85]) - np.mean(F1["features"][4:6]))
    assert test["p"] == 0.5  # both signs alike: two of four


def test_with_every_seed_on_one_side_p_is_two_of_all_signs(folder):
    store(folder, "if", {"default": [f1 - 0.1 - i / 100 for i, f1 in enumerate(F1["features"])]})
    test = rows(folder)["Isolation Forest"]["test"]
    assert test["p"] == pytest.approx(2 / 2**SEEDS)
    assert test["difference"] < 0


def test_ties_and_equal_seeds_can_be_tested(folder):
    f1s = [f1 + (i % 3 - 1) / 64 for i, f1 in enumerate(F1["features"])]
    store(folder, "if", {"default": f1s})
    assert 0 < rows(folder)["Isolation Forest"]["test"]["p"] <= 1


def test_equal_results_are_not_tested(folder):
    store(folder, "if", {"default": F1["features"]})
    assert rows(folder)["Isolation Forest"]["test"] is None


def test_without_the_reference_nothing_is_tested(tmp_path, folder):
    found = rows(folder, table_of(ROWS[3], ROWS[4]))
    assert [row["test"] for row in found.values()] == [None, None]
    assert found["PCA"]["ours"]["f1"]["mean"] == 0.93


# ------------------------------------------------------------------------------------- Holm


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),  # x 4, x 3, x 2, x 1, none falling
        ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
        ([0.5, 0.4, 0.9], [1.0, 1.0, 1.0]),
        ([0.01, 0.01], [0.02, 0.02]),
    ],
)
def test_p_values_are_corrected_for_their_number(p, corrected):
    tests = [{"p": value} for value in p]
    _holm(tests)
    assert [test["p_holm"] for test in tests] == pytest.approx(corrected)
    assert [test["p"] for test in tests] == p


def test_the_tests_of_one_table_are_corrected_together(folder):
    tests = [row["test"] for row in rows(folder).values() if row["test"]]
    assert len(tests) == 3  # L1, ALICE, PCA
    smallest = min(tests, key=lambda test: test["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 3 * smallest["p"]))
    alone = rows(folder, table_of(ROWS[1], ROWS[4]))["PCA"]["test"]
    assert alone["p_holm"] == alone["p"]

"""The research bench: what is run, what is kept, and how detectors are compared."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from alad.cli import bench
from alad.datasets import DATA_SETS, DataSet, Protocol, Split, adbench
from alad.errors import InputError
from alad.experiments import quality
from alad.experiments.panels import CONTENDERS, PANELS, Panel
from alad.experiments.quality import compared, run

RNG = np.random.default_rng(0)
TWO = Panel("two", "Two tables", (("12_fault", "one-class"), ("6_cardio", "one-class")), 2)
CHOSEN = [CONTENDERS["mahalanobis"], CONTENDERS["knn"]]


def with_method(contender, **other):
    return replace(contender, method=replace(contender.method, **other))


@pytest.fixture(autouse=True)
def made_up(tmp_path, monkeypatch):
    paths = {}
    for i, (table, _) in enumerate(TWO.problems):
        x = RNG.normal(size=(60, 3))
        x[50:] += 1 + i
        paths[f"{table}.npz"] = tmp_path / f"{table}.npz"
        np.savez(paths[f"{table}.npz"], X=x, y=(np.arange(60) >= 50).astype(int))
    monkeypatch.setattr(adbench, "find", lambda file: paths[file.name])


def test_what_is_stored_is_not_run_again(tmp_path, monkeypatch):
    told = []

    def tell(what, left):
        told.append((what, left))

    run(TWO, CHOSEN, range(2), tmp_path, tell)
    assert told[0] == ("[1/8] two: mahalanobis, 12_fault, seed 0", None)
    assert told[7][0] == "[8/8] two: knn, 6_cardio, seed 1"
    assert 0 < told[7][1] < 60
    assert len(told) == 8
    before = (tmp_path / "two-knn.json").read_text()
    run(TWO, CHOSEN, range(2), tmp_path, tell)
    assert len(told) == 8
    run(TWO, CHOSEN[1:], range(3), tmp_path, tell)
    assert len(told) == 10
    runs = json.loads((tmp_path / "two-knn.json").read_text())["payload"]["runs"]
    assert [one["seed"] for one in runs["6_cardio"]] == [0, 1, 2]
    assert runs["6_cardio"][:2] == json.loads(before)["payload"]["runs"]["6_cardio"]


def test_results_of_other_settings_are_not_mixed_in(tmp_path):
    run(TWO, CHOSEN[1:], range(1), tmp_path, print)
    other = with_method(CONTENDERS["knn"], settings={"k": 3})
    for other_code in (False, True):
        with pytest.raises(InputError, match="the same settings as now"):
            run(TWO, [other], range(1), tmp_path, print, other_code=other_code)
    run(TWO, [other], range(1), tmp_path, print, refresh=True)


def test_results_of_other_code_are_kept_if_said_to_be_as_good(tmp_path, monkeypatch):
    run(TWO, CHOSEN[1:], range(1), tmp_path, print)
    monkeypatch.setattr(quality, "code_digest", lambda detector: "other")
    with pytest.raises(InputError, match=r"the same code as now; it does not.* --other-code"):
        run(TWO, CHOSEN[1:], range(2), tmp_path, print)
    run(TWO, CHOSEN[1:], range(2), tmp_path, print, other_code=True)
    runs = json.loads((tmp_path / "two-knn.json").read_text())["payload"]["runs"]
    assert [one["seed"] for one in runs["6_cardio"]] == [0, 1]


def test_a_seed_is_another_split_and_the_command_says_which(tmp_path):
    run(TWO, CHOSEN[:1], range(5, 7), tmp_path, print)
    content = json.loads((tmp_path / "two-mahalanobis.json").read_text())
    assert content["seeds"] == [5, 6]
    assert content["command"].endswith("--seeds 2 --first-seed 5")
    first, second = content["payload"]["runs"]["12_fault"]
    assert first["fingerprint"] != second["fingerprint"]


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "two-knn.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as one"):
        run(TWO, CHOSEN[1:], range(1), tmp_path, print)


def test_means_and_ranks_are_over_what_all_have(tmp_path):
    run(TWO, CHOSEN, range(2), tmp_path, print)  # ALAD() is not stored
    run(TWO, CHOSEN[1:], range(3), tmp_path, print)
    panel = compared(TWO, tmp_path)
    assert panel["seeds"] == {"12_fault": 2, "6_cardio": 2}
    mahalanobis, knn = sorted(panel["rows"], key=lambda row: row["name"], reverse=True)
    runs = json.loads((tmp_path / "two-knn.json").read_text())["payload"]["runs"]
    of_table = [np.mean([o["scores"]["default"]["auroc"] for o in runs[t][:2]]) for t in runs]
    assert knn["mean"]["auroc"] == pytest.approx(np.mean(of_table))
    assert mahalanobis["rank"] + knn["rank"] == 3
    assert panel["critical_difference"] == pytest.approx(1.960 * np.sqrt(1 / 2), rel=1e-3)


def test_what_lacks_a_seed_of_the_first_is_named_and_takes_none_from_the_rest(tmp_path):
    small = {"epochs": 0, "batch_size": 16}
    first = with_method(CONTENDERS["alad"], settings=small)
    run(TWO, [first, CHOSEN[1]], range(2), tmp_path, print)
    run(TWO, CHOSEN[:1], range(1, 2), tmp_path, print)  # one of the two seeds
    run(TWO, [CONTENDERS["pca"]], range(5, 7), tmp_path, print)  # other splits
    found = compared(TWO, tmp_path)
    assert {row["name"] for row in found["rows"]} == {"alad", "knn"}
    assert found["seeds"] == {"12_fault": 2, "6_cardio": 2}
    assert found["absent"]["Mahalanobis distance"] == 1
    assert found["absent"]["PCA"] == found["absent"]["LOF"] == 0
    assert "ALAD() without D_zz" not in found["absent"]  # no control, and not begun
    assert "OC-SVM; Mahalanobis distance (1 seeds); PCA; " in bench.as_text(found)


def test_every_kind_of_anomaly_counts_alike_where_there_are_several(tmp_path, monkeypatch):
    x = RNG.normal(size=(200, 3))
    x[170:] += 50
    kind = np.array(["normal"] * 140 + ["near"] * 30 + ["far"] * 20 + ["few"] * 10)

    def split(protocol, *, seed):
        test = np.r_[100:200] if seed == 0 else np.r_[100:195]  # 5 of "few" in the second
        return Split(
            protocol=protocol,
            seed=seed,
            x_train=x[:100].astype(np.float32),
            x_valid=x[:0].astype(np.float32),
            x_test=x[test].astype(np.float32),
            y_test=test >= 140,
            kind_test=kind[test],
            feature_names=("a", "b", "c"),
            is_categorical=np.zeros(3, bool),
            rows_train=np.arange(100),
            rows_valid=np.arange(0),
            rows_test=test,
            fingerprint=str(seed),
        )

    monkeypatch.setitem(quality.DATA_SETS, "12_fault", replace(DATA_SETS["12_fault"], split=split))
    one = Panel("one", "One table", TWO.problems[:1], 2)
    run(one, CHOSEN, range(2), tmp_path, print)
    found = compared(one, tmp_path)
    assert found["kinds"] == ["far", "near"]
    for row in found["rows"]:
        assert row["by_kind"]["far"] == 1 > row["by_kind"]["near"]
        assert row["mean_of_kinds"] == (1 + row["by_kind"]["near"]) / 2
    text = bench.as_text(found)
    assert "AUROC of 2 kinds" in text
    assert f"{found['rows'][0]['mean_of_kinds']:.4f}" in text


def test_the_critical_difference_is_demsars():
    assert quality._critical_difference(10, 30) == pytest.approx(
        3.164 * np.sqrt(10 * 11 / 180), rel=1e-3
    )
    assert stats.studentized_range.ppf(0.95, 10, np.inf) / np.sqrt(2) == pytest.approx(3.164, 1e-3)


def test_nothing_stored_is_no_error(tmp_path):
    assert compared(TWO, tmp_path)["rows"] == []


def test_several_scores_of_one_fit(tmp_path):
    small = {"epochs": 1, "batch_size": 16}
    alad = with_method(CONTENDERS["alad"], settings=small, scores=("memory", "l1"))
    run(TWO, [alad], range(1), tmp_path, print)
    runs = json.loads((tmp_path / "two-alad.json").read_text())["payload"]["runs"]
    assert set(runs["12_fault"][0]["scores"]) == {"memory", "l1"}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_panels_name_data_sets_and_protocols(panel):
    for name, protocol in panel.problems:
        assert protocol in DATA_SETS[name].protocols
        assert DATA_SETS[name].pictures == panel.pictures
    assert len(panel.tables) == len(panel.problems)


@pytest.mark.parametrize("contender", CONTENDERS.values(), ids=CONTENDERS)
@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_settings_are_ones_that_the_detector_knows(contender, panel):
    if not contender.is_of(panel):
        return
    settings = contender.method.own_settings(panel.problems[0][0])
    detector = quality.DETECTORS[contender.method.detector](**settings)
    detector._check_settings()
    for score in contender.scores:
        if score != quality.ONLY:
            detector.set_params(anomaly_score=score)._check_settings()


def test_a_panel_of_pictures_has_classes_and_shows_tables_rows_of_numbers(tmp_path, monkeypatch):
    """Half of the pictures of each class to train on; a detector of tables sees 12 columns."""
    protocols = {name: Protocol(name, 0.5, 0, "the others", None) for name in ("ship", "frog")}
    seen = []

    def split(protocol, *, seed):
        rng = np.random.default_rng(seed)
        x = rng.integers(0, 256, (40, 2, 2, 3)).astype(np.uint8)
        x[30:] //= 8
        seen.append((protocol.name, seed))
        return Split(
            protocol=protocol,
            seed=seed,
            x_train=x[:20],
            x_valid=x[:0],
            x_test=x[20:],
            y_test=np.arange(20) >= 10,
            kind_test=np.array(["?"] * 20),
            feature_names=(),
            is_categorical=np.zeros(12, bool),
            rows_train=np.arange(20),
            rows_valid=np.arange(0),
            rows_test=np.arange(20, 40),
            fingerprint=str(seed),
        )

    made = DataSet("cifar10", "Made up", protocols, split, pictures=True)
    monkeypatch.setitem(quality.DATA_SETS, "cifar10", made)
    panel = Panel("pair", "A pair", (("cifar10", "ship"), ("cifar10", "frog")), 2, pictures=True)
    run(panel, CHOSEN, range(2), tmp_path, print)
    assert seen[:4] == [("ship", 0), ("ship", 1), ("frog", 0), ("frog", 1)]
    found = compared(panel, tmp_path)
    assert found["tables"] == ["ship", "frog"]
    assert {row["name"] for row in found["rows"]} == {"mahalanobis", "knn"}
    runs = json.loads((tmp_path / "pair-knn.json").read_text())["payload"]["runs"]
    assert [one["columns"] for one in runs["frog"]] == [12, 12]
    with pytest.raises(InputError, match="for pictures on the panel pair; got alad"):
        run(panel, [CONTENDERS["alad"]], range(1), tmp_path, print)

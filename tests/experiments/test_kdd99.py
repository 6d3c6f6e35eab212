"""The experiment on a split of a few rows: everything is there, in JSON, and can be drawn."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from alad import ALAD, load
from alad.datasets import Split
from alad.datasets.kdd99 import PROTOCOLS
from alad.experiments import kdd99
from alad.experiments.kdd99 import Plan
from alad.experiments.record import plain
from alad.metrics import detection_metrics
from alad.report.plots import draw
from alad.training import Progress


@pytest.mark.parametrize(
    ("changes", "name", "is_full"),
    [
        ({}, "kdd99-paper-minmax-20epochs-3seeds", False),
        ({"epochs": 100, "seeds": tuple(range(10))}, "kdd99-paper-minmax-full", True),
        ({"epochs": 200, "seeds": tuple(range(12))}, "kdd99-paper-minmax-200epochs-12seeds", False),
        ({"epochs": 100}, "kdd99-paper-minmax-100epochs-3seeds", False),
        ({"epochs": 99, "seeds": tuple(range(10))}, "kdd99-paper-minmax-99epochs-10seeds", False),
        ({"seeds": (7, 8)}, "kdd99-paper-minmax-20epochs-2seeds-from7", False),
        (
            {"protocol": "talk", "scaling": "none", "split_seed": 7},
            "kdd99-talk-none-20epochs-3seeds-split7",
            False,
        ),
    ],
)
def test_a_plan_has_a_name(changes, name, is_full):
    plan = Plan(**{"seeds": (0, 1, 2), **changes})
    assert (plan.name, plan.is_full) == (name, is_full)


def small_split(protocol):
    rng = np.random.default_rng(2)
    normal = rng.normal(size=(140, 3)) @ rng.normal(size=(3, 6))
    strange = 4 * rng.normal(size=(10, 6))
    x = np.vstack([normal, strange]).astype(np.float32)
    is_strange = np.arange(150) >= 140
    train, valid, test = np.arange(100), np.arange(100, 110), np.arange(110, 150)
    return Split(
        protocol=PROTOCOLS[protocol],
        seed=42,
        x_train=x[train],
        x_valid=x[valid],
        x_test=x[test],
        y_test=is_strange[test],
        kind_test=np.where(is_strange[test], "smurf", "normal"),
        feature_names=tuple("abcdef"),
        is_categorical=np.zeros(6, bool),
        rows_train=train,
        rows_valid=valid,
        rows_test=test,
        fingerprint="small",
    )


PLAN = Plan(epochs=2, seeds=(4, 9), scaling="standard")
ASKED, TOLD = [], []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("experiment")


@pytest.fixture(scope="module")
def result(folder):
    """What one small run gives, as it stands in a result file."""

    def split(protocol, *, seed):
        ASKED.append((protocol.name, seed))
        return small_split(protocol.name)

    with pytest.MonkeyPatch.context() as patch:
        jax.config.update("jax_disable_most_optimizations", True)
        patch.setattr(kdd99.kdd99, "split", split)
        return plain(kdd99.run(PLAN, folder, TOLD.append))


def test_it_says_what_was_run_on_what(result):
    assert ASKED == [("paper", 42)]
    assert result["plan"] == {
        "protocol": "paper",
        "scaling": "standard",
        "epochs": 2,
        "seeds": [4, 9],
        "split_seed": 42,
    }
    assert result["is_full"] is False
    data = result["data"]
    assert (data["fingerprint"], data["features"]) == ("small", 6)
    assert data["rows"] == {"train": 100, "validation": 10, "test": 40}
    assert data["anomaly_share_of_test"] == 0.25
    assert {row["method"] for row in result["published"]} == {"ALAD, the paper", "ALAD, the talk"}


def test_every_method_and_every_score_has_a_row(result):
    assert [(row["method"], len(row["f1_per_seed"])) for row in result["rows"]] == [
        ("ALAD", 2),
        ("ALAD, untrained", 2),
        ("Mahalanobis distance", 1),
    ]
    assert [row["method"] for row in result["scores"]] == ["features", "logits", "l1", "l2"]
    assert result["scores"][0]["auroc_per_seed"] == result["rows"][0]["auroc_per_seed"]
    for row in result["rows"]:
        assert row["at_cut"]["n_flagged"]["mean"] == 8  # a fifth of 40 rows, as in the paper
        assert row["at_true_rate"]["n_flagged"]["mean"] == 10
        assert row["at_cut"]["f1"]["mean"] == pytest.approx(np.mean(row["f1_per_seed"]))
    assert result["rows"][2]["at_cut"]["f1"]["sd"] is None


def test_the_saved_models_give_the_recorded_numbers(result, folder):
    split = small_split("paper")
    for i, seed in enumerate(PLAN.seeds):
        scores = -load(folder / "models" / f"seed-{seed}").score_samples(split.x_test)
        found = detection_metrics(split.y_test, scores, 0.2)
        assert found["f1"] == result["rows"][0]["f1_per_seed"][i]
        assert found["auroc"] == result["rows"][0]["auroc_per_seed"][i]


def test_training_is_told_and_recorded(result):
    training = result["training"]
    assert training["seconds"] > 0
    for curves in (*training["losses"].values(), training["validation"]):
        assert [len(curve) for curve in curves] == [2, 2]
    assert TOLD[-1].epoch == 2
    assert TOLD[-1].before + TOLD[-1].step == TOLD[-1].steps
    assert TOLD[-1].seconds_left == 0


def test_the_result_can_be_drawn(result, tmp_path):
    assert len(draw(json.loads(json.dumps(result)), tmp_path)) == 3
    for picture in result["pictures"].values():
        assert sum(picture["normal"]) == 30
        assert sum(picture["anomaly"]) == 10


def test_a_run_goes_on_from_its_checkpoints(result, folder, monkeypatch):
    monkeypatch.setattr(kdd99.kdd99, "split", lambda protocol, seed: small_split(protocol.name))
    again = plain(kdd99.run(PLAN, folder, lambda p: pytest.fail("trained again")))
    timeless = {**result, "training": {**result["training"], "seconds": 0}}
    assert {**again, "training": {**again["training"], "seconds": 0}} == timeless


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_seeds_in_groups_are_trained_and_told_as_one_run(monkeypatch, tmp_path, at_once):
    """Five seeds; two epochs of ten steps each."""

    def fit_side_by_side(detectors, x, *, report, **others):
        for detector in detectors:
            detector.seed_ = detector.random_state
            monkeypatch.setattr(detector, "save", lambda path: saved.append(path.name))
        for step in (10, 20):
            report(Progress(step // 10, 2, step, 20, float(step), {}, None))
        return list(detectors)

    saved, told = [], []
    monkeypatch.setattr(kdd99, "fit_side_by_side", fit_side_by_side)
    monkeypatch.setattr(kdd99, "seeds_at_once", lambda seeds: at_once)
    plan = Plan(seeds=(0, 1, 2, 3, 4))
    detectors = kdd99._trained(plan, small_split("paper"), tmp_path, told.append)
    assert [d.seed_ for d in detectors] == [0, 1, 2, 3, 4]
    assert saved == [f"seed-{seed}" for seed in plan.seeds]
    assert all(isinstance(d, ALAD) for d in detectors)
    shares = [(p.before + p.step) / p.steps for p in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert told[-1].seconds_left == pytest.approx(0, abs=1)
    assert all(p.seconds_left >= 0 for p in told)

"""``alad reproduce cifar10``: short and whole, what it prints and draws, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from alad.cli import one_class
from tests.experiments.test_one_class import made_up

__all__ = ["made_up"]  # a fixture


@pytest.fixture(autouse=True)
def tenth(monkeypatch):
    monkeypatch.setattr(one_class, "SHORT_METHODS", ("if-paper", "alad-sn"))


def test_the_short_run_says_so_and_goes_on(alad, made_up):
    done = alad.good("reproduce", "cifar10", "-o", "runs", "--class", "airplane")
    assert "CIFAR-10, every method: AUROC" in done.out
    assert "Short: some rows stand for fewer classes or epochs" in done.out
    line = next(line for line in done.out.splitlines() if line.startswith("ALAD  "))
    assert "0.6072 +- 0.1201" in line
    assert "[2/2] cifar10-airplane-alad-sn-epochs-x0.02: seeds 0" in done.err
    for name in ("cifar10.png", "cifar10-airplane-alad-sn-epochs-x0.02.png"):
        with Image.open(Path("runs") / name) as drawn:
            assert min(drawn.size) > 200
    again = alad.good("reproduce", "cifar10", "-o", "runs", "--class", "airplane", "--json")
    assert "alad-sn-epochs-x0.02: stored" in again.err
    tables = json.loads(again.out)["tables"]
    names = ["cifar10", "cifar10-ablation", "cifar10-scores", "cifar10-bfloat16"]
    assert [table["name"] for table in tables] == names
    (alads,) = [row for row in tables[0]["rows"] if row["label"] == "ALAD"]
    assert alads["cells"]["airplane"]["epochs_scale"] == 0.02


def test_what_is_stored_is_shown_without_data(alad):
    Path("runs/one-class").mkdir(parents=True)
    assert "CIFAR-10, ablation" in alad.good("reproduce", "cifar10", "--stored").out
    assert "SVHN, ablation" in alad.good("reproduce", "svhn", "--stored").out
    assert list(Path("runs").rglob("*")) == [Path("runs/one-class")]


def test_unknown_names_are_refused(alad):
    alad.refused(
        "Expected --class to be one of airplane, .*", "reproduce", "cifar10", "--class", "x"
    )
    for method in ("x", "gan"):
        alad.refused("Expected --method to be one of .*", "reproduce", "svhn", "--method", method)


def test_the_whole_run_is_the_papers_and_other_methods_are_run_if_named(alad, monkeypatch):
    asked = []
    monkeypatch.setattr(
        one_class, "run_jobs", lambda jobs, *_: asked.append({job.method.name for job in jobs})
    )
    alad.good("reproduce", "cifar10", "--full")
    alad.good("reproduce", "cifar10", "--full", "--method", "alad-sn-bf16")
    whole, named = asked
    assert {"alad-sn", "alice", "dsebm", "knn"} <= whole
    assert "alad-sn-bf16" not in whole
    assert named == {"alad-sn-bf16"}

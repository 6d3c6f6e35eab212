"""``alad bench quality``: runs, shows what is stored, draws, and refuses what it does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from alad.experiments import panels
from tests.experiments.test_quality import CHOSEN, TWO, made_up

__all__ = ["made_up"]  # a fixture


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setitem(panels.PANELS, "adbench", TWO)


def test_it_runs_shows_and_draws(alad):
    names = [part for contender in CHOSEN for part in ("--method", contender.name)]
    done = alad.good("bench", "quality", *names, "--picture", "ranks.png")
    assert "Two tables: 2 tables, 2 seeds each" in done.out
    assert "k nearest neighbours, the fifth (control)" in done.out
    with Image.open(Path("ranks.png")) as drawn:
        assert min(drawn.size) > 100
    shown = alad.good("bench", "quality", "--stored", "--json")
    (panel,) = json.loads(shown.out)["panels"]
    assert {row["name"] for row in panel["rows"]} == {"mahalanobis", "knn"}


def test_one_seed_is_no_seeds(alad):
    done = alad.good("bench", "quality", "--method", "mahalanobis", "--seeds", 1)
    assert "Two tables: 2 tables, 1 seed each" in done.out


def test_nothing_stored_is_said(alad):
    assert "Nothing is stored yet." in alad.good("bench", "quality", "--stored").out


def test_nothing_can_be_ranked_is_said(alad):
    alad.refused(
        ".*at least two detectors.*", "bench", "quality", "--stored", "--picture", "ranks.png"
    )
    assert not Path("ranks.png").exists()


@pytest.mark.parametrize("wrong", [["iris"], ["--method", "magic"]])
def test_what_it_does_not_know_is_named(alad, wrong):
    alad.refused(f".*{wrong[-1]}.*", "bench", "quality", *wrong)

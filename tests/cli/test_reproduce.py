"""``alad reproduce kdd99``: its arguments, and what it makes of a result (a stored one)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alad.experiments import kdd99
from alad.report import plots

STORED = Path(__file__).parents[2] / "benchmarks/results/kdd99-paper-none-full.json"
PLAN = kdd99.Plan()  # what is run if nothing is asked for


@pytest.fixture
def plans(monkeypatch) -> list[kdd99.Plan]:
    """The plans that were run; each takes no time and gives the stored result."""
    seen = []

    def run(plan, folder, report):
        seen.append(plan)
        return json.loads(STORED.read_text("utf-8"))["payload"]

    monkeypatch.setattr(kdd99, "run", run)
    return seen


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Leave the pictures out, for they take longest."""
    monkeypatch.setattr(plots, "draw", lambda payload, folder: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--protocol", "ours"),
            r"Expected --protocol to be one of paper, talk, released-code, .*; got 'ours'\.",
        ),
        (
            ("--scaling", "log"),
            r"Expected --scaling to be one of none, .*, log-standard; got 'log'\.",
        ),
    ],
)
def test_choice_that_is_none(alad, plans, options, message):
    alad.refused(message, "reproduce", "kdd99", *options)
    assert plans == []


@pytest.mark.parametrize(
    "options",
    [("--seeds", 0), ("--epochs", -1), ("--split-seed", -1), ("--split-seed", 2**32)],
)
def test_number_out_of_range_is_wrong_usage(alad, plans, options):
    done = alad("reproduce", "kdd99", *options)
    assert (done.code, done.out, plans) == (2, "", [])
    assert options[0] in done.err


def test_result_is_stored_drawn_and_shown_beside_the_papers(alad, plans):
    out = alad.good("reproduce", "kdd99").out
    folder = Path("runs") / PLAN.name
    assert plans == [PLAN]
    stored = json.loads((folder / f"{PLAN.name}.json").read_text("utf-8"))
    assert stored["payload"] == json.loads(STORED.read_text("utf-8"))["payload"]
    assert stored["command"] == (
        f"alad reproduce kdd99 --protocol {PLAN.protocol} --scaling {PLAN.scaling} "
        f"--epochs {PLAN.epochs} --seeds {len(PLAN.seeds)}"
    )
    assert list(folder.glob("*.png"))
    shown = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "0.9501" in shown["ALAD, the paper"]
    f1 = next(r for r in stored["payload"]["rows"] if r["method"] == "ALAD")["at_cut"]["f1"]
    assert f"{f1['mean']:.4f} +- {f1['sd']:.4f}" in shown["ALAD, this run"]
    assert ("This run is short" in out) is not stored["payload"]["is_full"]


def test_json_is_one_object_and_results_may_go_elsewhere(alad, plans, undrawn):
    options = ("--full", "--scaling", "none", "--protocol", "talk", "--split-seed", 1)
    done = alad.good("reproduce", "kdd99", *options, "--results", "kept", "-o", "made", "--json")
    (plan,) = plans
    assert (plan.epochs, plan.seeds, plan.split_seed) == (100, tuple(range(10)), 1)
    assert (plan.protocol, plan.scaling) == ("talk", "none")
    assert json.loads(done.out) == json.loads(Path("kept", f"{plan.name}.json").read_text("utf-8"))


def test_full_is_only_a_default(alad, plans, undrawn):
    alad.good("reproduce", "kdd99", "--full", "--seeds", 2, "--epochs", 5)
    assert (plans[0].epochs, plans[0].seeds) == (5, (0, 1))


def test_seeds_may_begin_elsewhere(alad, plans, undrawn):
    given = ("--seeds", 2, "--first-seed", 7, "--epochs", 5)
    said = json.loads(alad.good("reproduce", "kdd99", *given, "--json").out)
    assert plans[0].seeds == (7, 8)
    assert said["command"].endswith("--epochs 5 --seeds 2 --first-seed 7")
    assert said["seeds"] == [7, 8]


def test_one_seed_is_no_seeds(alad, undrawn, monkeypatch):
    payload = json.loads(STORED.read_text("utf-8"))["payload"]
    payload["plan"] |= {"seeds": [0], "epochs": 1}
    monkeypatch.setattr(kdd99, "run", lambda *args: payload)
    assert " 1 epoch, 1 seed (mean" in alad.good("reproduce", "kdd99").out


def test_ctrl_c_says_how_to_go_on(alad, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(kdd99, "run", stop)
    done = alad("reproduce", "kdd99")
    assert (done.code, done.out) == (130, "")
    assert done.err == (
        "stopped: the same command goes on from the last checkpoint in "
        f"{Path('runs', PLAN.name)}, if there is one yet.\n"
    )


def test_no_permission_to_store(alad, plans, no_permission):
    message = r"Expected to write runs.*\.json, but permission denied\. .*"
    alad.refused(message, "reproduce", "kdd99", code=1)

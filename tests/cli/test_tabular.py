"""``alad reproduce tabular``: which tables and methods, what is run, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alad.cli import tabular
from alad.cli.tabular import BESIDE, as_text
from alad.datasets import DATA_SETS
from alad.datasets._protocols import Table, apply
from alad.experiments import run
from alad.experiments.compare import METRICS, compared
from alad.experiments.published import UNFITTING
from alad.experiments.registry import METHODS, TABLES
from alad.experiments.results import Job, write
from alad.experiments.run import Bench

FOLDER = Path("runs/tabular")
QUICK = ("--method", "mahalanobis", "--method", "pca", "--method", "if-paper")


@pytest.fixture
def toy(monkeypatch):
    """Put a table of a hundred rows in the place of KDDCup99."""
    rng = np.random.default_rng(0)
    strange = np.arange(100) % 5 == 0
    x = rng.normal(size=(100, 4)).astype(np.float32) + strange[:, None]
    kind = np.where(strange, "normal", "smurf")
    table = Table(x, kind, tuple("abcd"), np.zeros(4, bool), "toy")

    def split(protocol, *, seed):
        return apply(protocol, table, strange, seed)

    monkeypatch.setitem(DATA_SETS, "kdd99", replace(DATA_SETS["kdd99"], split=split))
    run._split.cache_clear()
    yield
    run._split.cache_clear()


@pytest.fixture
def asked(monkeypatch):
    """What is asked of the bench, which runs nothing: (bench, names of jobs, seeds)."""
    seen = []

    def note(bench, jobs, seeds):
        seen.append((bench, [job.name for job in jobs], tuple(seeds)))

    monkeypatch.setattr(Bench, "run", note)
    return seen


def store(method, f1, scale=1.0):
    """Write a result with an F1 for each seed, the same by every score."""
    job = Job(METHODS[method], "kdd99", "paper", False, scale)
    scores = job.method.scores or ("default",)
    counts = {"n_flagged": 2, "n_anomalies": 2, "n": 10}
    cuts = [{"at_cut": dict.fromkeys(METRICS, v) | counts, "rows": 9, "seconds": 0.1} for v in f1]
    runs = [
        {
            "seed": seed,
            "split_seed": 42,
            "fingerprint": "aa",
            "code": job.code,
            "fit_seconds": 1.0,
            "git": None,
            "scores": dict.fromkeys(scores, cut),
        }
        for seed, cut in enumerate(cuts)
    ]
    write(FOLDER, job, runs, {})


def lines_of(text):
    """The lines of a shown table, by the labels of its rows; the head is "method"."""
    return {line.split("  ")[0]: line for line in text.splitlines()}


# ---------------------------------------------------------------------------------- choosing


def test_list_names_every_table_and_method_and_runs_nothing(alad, asked):
    out = alad.good("reproduce", "tabular", "--list").out
    tables, methods = out.split("\n\n")
    assert tables.splitlines()[0] == "Tables"
    assert [line.split("  ")[0] for line in tables.splitlines()[1:]] == list(TABLES)
    assert methods.splitlines()[0] == "Methods"
    told = dict(line.split(maxsplit=1) for line in methods.splitlines()[1:])
    assert set(told) == {row.method for table in TABLES.values() for row in table.rows}
    assert told["alad"] == "ALAD, spectral_norm=False"
    assert told["alad-untrained"] == "ALAD, spectral_norm=False, epochs=0"
    assert told["pca"] == "PCA"
    assert told["oc-svm-paper"].endswith(", nu=0.2 on kdd99, nu=0.15 on arrhythmia")
    assert len(set(told.values())) == len(told)
    assert asked == []


def test_a_method_of_pictures_alone_is_none(alad, asked):
    message = r"Expected --method to be one of .*, alad-sn; got 'oc-svm-pca'\."
    alad.refused(message, "reproduce", "tabular", "--method", "oc-svm-pca")


def test_a_table_that_is_none(alad, asked):
    message = r"Expected table to be one of kdd99, kdd99-ablation, .*; got 'kdd98'\."
    alad.refused(message, "reproduce", "tabular", "kdd99", "kdd98")
    assert asked == []


def test_a_method_that_is_none(alad, asked):
    message = r"Expected --method to be one of .* alad, .*; got 'ALAD'\."
    alad.refused(message, "reproduce", "tabular", "--method", "ALAD")
    assert asked == []


@pytest.mark.parametrize(
    "options",
    [("--seeds", 0), ("--epochs-scale", 0), ("--epochs-scale", 1.5), ("--epochs-scale", "nan")],
)
def test_a_number_out_of_range_is_wrong_usage(alad, asked, options):
    done = alad("reproduce", "tabular", *options)
    assert (done.code, done.out, asked) == (2, "", [])
    assert options[0] in done.err


def test_everything_is_run_if_nothing_is_chosen(alad, asked):
    alad.good("reproduce", "tabular")
    ((bench, jobs, seeds),) = asked
    assert seeds == tuple(range(10))
    assert {"kdd99-paper-alad", "kdd99-corrected-labels-pca", "arrhythmia-one-class-gan"} < set(
        jobs
    )
    assert len(jobs) == len(set(jobs))
    places = {(t.data_set, t.protocol) for t in TABLES.values()}
    assert {name.rpartition(f"-{m}")[0] for name in jobs for m in METHODS if name.endswith(m)} >= {
        f"{data_set}-{protocol}" for data_set, protocol in places
    }
    assert (bench.folder, bench.work, bench.refresh) == (FOLDER, Path("runs/work"), False)


def test_tables_methods_and_folders_can_be_chosen(alad, asked):
    options = ("--method", "alad", "--method", "pca", "--epochs-scale", 0.05, "--seeds", 3)
    folders = ("-o", "made", "--results", "kept", "--refresh")
    alad.good("reproduce", "tabular", "kdd99", "kdd99-scores", *options, *folders)
    ((bench, jobs, seeds),) = asked
    assert jobs == ["kdd99-paper-alad-epochs-x0.05", "kdd99-paper-pca"]
    assert seeds == (0, 1, 2)
    assert (bench.folder, bench.work, bench.refresh) == (Path("kept"), Path("made/work"), True)


# ----------------------------------------------------------------------------------- running


def test_results_are_stored_and_shown(alad, toy):
    done = alad.good("reproduce", "tabular", "kdd99", *QUICK, "--seeds", 2)
    assert sorted(path.name for path in FOLDER.iterdir()) == [
        "kdd99-paper-if-paper.json",
        "kdd99-paper-mahalanobis.json",
        "kdd99-paper-pca.json",
    ]
    shown = lines_of(done.out)
    assert shown["PCA (control)"].split()[2] == "1"
    assert shown["Isolation Forest, the paper's settings"].split()[5] == "2"
    assert shown["ALAD"].split() == ["ALAD", "0", "0.9501"]
    assert "[1/3] kdd99-paper-if-paper: seeds 0, 1\n" in done.err
    again = alad.good("reproduce", "tabular", "kdd99", *QUICK, "--seeds", 2)
    assert again.out == done.out
    assert again.err.count(": stored\n") == 3


def test_json_is_one_object_of_all_tables(alad, toy):
    names = ("kdd99", "kdd99-true-rate")
    done = alad.good("reproduce", "tabular", *names, *QUICK, "--seeds", 2, "--json")
    tables = json.loads(done.out)["tables"]
    assert [table["name"] for table in tables] == list(names)
    assert done.out.count("\n") == 1
    for table, name in zip(tables, names, strict=True):
        assert [row["label"] for row in table["rows"]] == [row.label for row in TABLES[name].rows]
        found = {row["label"]: row for row in table["rows"]}
        assert found["Mahalanobis distance"]["ours"]["f1"]["n"] == 1
        assert found["ALAD"]["ours"] is None


def test_stored_runs_nothing(alad, asked):
    FOLDER.mkdir(parents=True)
    out = alad.good("reproduce", "tabular", "kdd99-scores", "--stored").out
    assert out.splitlines()[-1] == "Nothing is stored yet."
    store("alad", [0.9, 0.95])
    shown = alad.good("reproduce", "tabular", "kdd99-scores", "--stored").out
    assert "0.9250 +- 0.0354" in lines_of(shown)["Features"]
    assert "Nothing is stored" not in shown
    assert asked == []


@pytest.mark.parametrize("experiment", ["tabular", "cifar10", "svhn"])
def test_stored_of_no_folder_is_refused(alad, experiment):
    message = r"Expected a folder of results at absent; there is none\. Give the one that .*"
    alad.refused(message, "reproduce", experiment, "--stored", "--results", "absent")


def test_a_damaged_result_is_told(alad):
    store("alad", [0.9])
    (FOLDER / "kdd99-paper-alad.json").write_text("{", encoding="utf-8")
    message = r"Expected a result of alad in runs.*alad\.json; it cannot be read as one .*"
    alad.refused(message, "reproduce", "tabular", "kdd99-scores", "--stored")


def test_a_result_of_other_settings_is_refused(alad, toy, monkeypatch):
    alad.good("reproduce", "tabular", "kdd99", "--method", "pca")
    monkeypatch.setitem(METHODS, "pca", replace(METHODS["pca"], settings={"n_components": 2}))
    command = ("reproduce", "tabular", "kdd99", "--method", "pca")
    before = (FOLDER / "kdd99-paper-pca.json").read_bytes()
    message = r"Expected kdd99-paper-pca\.json to come from the same settings as now; .*--refresh.*"
    alad.refused(message, *command)
    alad.good(*command, "--refresh")
    assert (FOLDER / "kdd99-paper-pca.json").read_bytes() != before


def test_no_permission_to_store(alad, toy, no_permission):
    done = alad("reproduce", "tabular", "kdd99", "--method", "pca")
    assert (done.code, done.out) == (1, "")
    assert "kdd99-paper-pca.json, but permission denied" in done.err.splitlines()[-1]


def test_ctrl_c_says_how_to_go_on(alad, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "run", stop)
    done = alad("reproduce", "tabular", "kdd99", "--results", "kept")
    assert (done.code, done.out) == (130, "")
    assert done.err == "stopped: the same command goes on from what is stored in kept.\n"


# ----------------------------------------------------------------------------------- showing


def test_the_epochs_of_a_shortened_schedule_are_told(alad):
    def epochs():
        shown = lines_of(alad.good("reproduce", "tabular", "kdd99", "--stored").out)
        start = shown["method"].index("epochs")
        return [
            shown[label][start:].split("  ")[0] for label in ("ALAD", "ALAD, untrained (control)")
        ]

    store("alad", [0.9, 0.95], scale=0.05)
    store("alad-untrained", [0.9, 0.95])
    assert epochs() == ["5 (x 0.05)", "0"]
    store("alad", [0.9, 0.95])
    assert epochs() == ["100", "0"]


def test_what_is_said_of_the_published_numbers_and_of_alad(alad):
    store("alad", [0.94, 0.95, 0.96])
    store("pca", [0.75])
    store("if-paper", [0.5, 0.51, 0.52])
    shown = lines_of(alad.good("reproduce", "tabular", "kdd99", "--stored").out)
    assert [cell.strip() for cell in shown["ALAD"].split("  ") if cell][-2:] == ["0.9501", "yes"]
    forest = shown["Isolation Forest, the paper's settings"]
    assert "0.9294" in forest
    assert " no " in forest
    assert forest.endswith("-0.4400, p = 0.500")
    assert shown["PCA (control)"].endswith("-0.2000, p = 0.500")
    assert " +- " not in shown["PCA (control)"]


def test_a_note_on_a_published_number_is_a_mark_and_a_footnote(alad):
    FOLDER.mkdir(parents=True)
    out = alad.good("reproduce", "tabular", "arrhythmia", "kdd99", "--stored").out
    of_arrhythmia, of_kdd99 = out.split("KDDCup99, every method")
    assert "0.5303†" in of_arrhythmia
    assert "† from memory of the paper: check before quoting." in of_arrhythmia
    assert "†" not in of_kdd99
    assert "0.8865‡" in of_kdd99
    assert "‡ its F1 does not follow from P and R." in of_kdd99


@pytest.mark.parametrize("stored", [False, True])
def test_columns_line_up(alad, stored):
    if stored:
        store("alad", [0.94, 0.95, 0.96], scale=0.05)
        store("if-paper", [0.5, 0.51, 0.52])
        store("pca", [0.75])
    title, empty, head, rule, *body = as_text(compared(TABLES["kdd99"], FOLDER)).splitlines()
    assert (title, empty) == ("KDDCup99, every method", "")
    assert set(rule) == {"-"}
    names = ("seeds", "epochs", *tabular.METRICS.values(), *BESIDE)
    starts = [head.index(f"  {name}  ") + 2 for name in names[:-1]] + [head.index(names[-1])]
    lines = body[: len(TABLES["kdd99"].rows)]
    assert [line.split("  ")[0].removesuffix(" (control)") for line in lines] == [
        row.label for row in TABLES["kdd99"].rows
    ]
    for line in lines:
        for start in starts:
            assert line[start - 2 : start].strip() == ""
            assert line[start : start + 1] != " " or line[start:].split("  ")[0] == ""
        assert line == line.rstrip()
    talk = "ALAD, the talk has 0.9481, 0.9417 and 0.9449 (precision, recall, F1)."
    notes = [TABLES["kdd99"].note, talk, f"‡ {UNFITTING}.", "Nothing is stored yet."]
    assert body[len(lines) :] == notes[: 4 - stored]

"""Result files of methods: one for each, of one kind of run, read only where they are whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alad.errors import InputError, OutputError
from alad.experiments import results
from alad.experiments.registry import METHODS, TABLES
from alad.experiments.results import Job, differences, jobs_of, longest, read, write

ALAD = Job(METHODS["alad"], "kdd99", "paper", fresh_splits=False)
PCA = Job(METHODS["pca"], "kdd99", "paper", fresh_splits=False)


def run(seed, f1=0.5):
    """A run of which there is not more to say than is asked for here."""
    return {"seed": seed, "code": ALAD.code, "scores": {"features": {"at_cut": {"f1": f1}}}}


def store(folder, job=ALAD, seeds=(0,)):
    return write(folder, job, [run(seed) for seed in seeds], {})


# -------------------------------------------------------------------------------------- jobs


def test_tables_that_share_a_method_share_its_job():
    tables = [TABLES["kdd99"], TABLES["kdd99-scores"], TABLES["kdd99-ablation"]]
    names = [job.name for job in jobs_of(tables)]
    assert names.count("kdd99-paper-alad") == 1
    assert len(names) == len(set(names))
    assert {"kdd99-paper-gan", "kdd99-paper-alad-sn", "kdd99-paper-alice-sn"} <= set(names)
    assert [job.name for job in jobs_of(tables[1:2], 0.1)] == ["kdd99-paper-alad-epochs-x0.1"]
    assert [job.name for job in jobs_of([TABLES["arrhythmia-scores"]])] == ["arrhythmia-paper-alad"]


def test_of_a_method_without_chance_one_seed_matters():
    assert PCA.seeds((3, 4, 5)) == (3,)
    assert replace(PCA, fresh_splits=True).seeds((3, 4, 5)) == (3, 4, 5)
    assert ALAD.seeds((3, 4, 5)) == (3, 4, 5)


def test_a_job_is_told_by_all_that_makes_its_numbers(monkeypatch):
    assert ALAD.identity == {
        "detector": "ALAD",
        "settings": {"preset": "kdd99", "epochs": 100, "spectral_norm": False},
        "scores": ["features", "logits", "l1", "l2"],
        "fresh_splits": False,
        "test_rows": {},
    }
    others = [replace(ALAD, epochs_scale=0.5), replace(ALAD, fresh_splits=True)]
    others.append(replace(ALAD, method=METHODS["alad-sn"]))
    digests = {job.digest for job in (ALAD, *others)}
    monkeypatch.setattr(results, "code_digest", lambda detector: "other")
    assert len(digests | {ALAD.digest}) == 5
    assert ALAD.digest == ALAD.digest


# ------------------------------------------------------------------------- written and read


def test_what_was_written_is_read(tmp_path):
    write(tmp_path, ALAD, [run(2, 0.1), run(0, 1 / 3)], {"features": {"edges": [0.1]}})
    stored = read(tmp_path, ALAD)
    assert stored.seeds == (0, 2)
    assert stored.runs == [run(0, 1 / 3), run(2, 0.1)]
    assert stored.identity == ALAD.identity
    assert stored.content["payload"]["pictures"] == {"features": {"edges": [0.1]}}
    assert (stored.content["payload"]["epochs_scale"], stored.content["seeds"]) == (1, [0, 2])
    assert differences(ALAD, stored) == []


def test_a_file_says_how_to_make_it_again(tmp_path):
    def command(job):
        return json.loads(store(tmp_path, job, (0, 1)).read_text("utf-8"))["command"]

    assert command(ALAD) == "alad reproduce tabular --method alad --seeds 2"
    assert command(replace(ALAD, epochs_scale=0.05)) == (
        "alad reproduce tabular --method alad --seeds 2 --epochs-scale 0.05"
    )
    assert command(replace(PCA, epochs_scale=0.05)) == (
        "alad reproduce tabular --method pca --seeds 2"
    )


def test_no_file_is_no_result(tmp_path):
    assert read(tmp_path, ALAD) is None
    assert read(tmp_path / "none", ALAD) is None
    assert longest(tmp_path / "none", ALAD) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "JSONDecodeError"),
        ('{"payload": {"identity": {}', "JSONDecodeError"),
        ("[1, 2]", "TypeError"),
        ('{"name": "kdd99-paper-none-full", "payload": {"plan": {}}}', "KeyError"),
        ('{"payload": {"identity": {}, "runs": [{}]}}', "KeyError: 'seed'"),
        ('{"payload": {"identity": {}, "runs": 5}}', "TypeError"),
        ('{"payload": {"identity": {}, "runs": [], "pictures": {}}}', "KeyError: 'epochs_scale'"),
        (b"\xff\xfe", "UnicodeDecodeError"),
    ],
)
def test_a_damaged_or_foreign_file_is_told(tmp_path, content, fault):
    path = tmp_path / f"{ALAD.name}.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as told:
        read(tmp_path, ALAD)
    expected = f"Expected a result of alad in {path}; it cannot be read as one ({fault}"
    assert str(told.value).startswith(expected)
    assert str(told.value).endswith("Move it away, or give another folder.")


def test_the_result_of_another_job_is_told(tmp_path):
    store(tmp_path, PCA).rename(tmp_path / f"{ALAD.name}.json")
    with pytest.raises(InputError, match=r"\(ValueError: it is the result kdd99-paper-pca\)"):
        read(tmp_path, ALAD)


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path):
    (tmp_path / f"{ALAD.name}.json").mkdir()
    with pytest.raises(InputError, match="IsADirectoryError"):
        read(tmp_path, ALAD)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, no_permission):
    with pytest.raises(OutputError, match=rf"{ALAD.name}\.json, but permission denied"):
        store(tmp_path)


# -------------------------------------------------------------------------------- schedules


def test_the_full_schedule_comes_first_then_the_longest(tmp_path):
    def found():
        return longest(tmp_path, replace(ALAD, epochs_scale=0.05)).content["payload"]

    for scale in (0.05, 0.5, 0.1):
        store(tmp_path, replace(ALAD, epochs_scale=scale))
    assert (found()["epochs_scale"], found()["job"]) == (0.5, "kdd99-paper-alad-epochs-x0.5")
    store(tmp_path)
    assert (found()["epochs_scale"], found()["job"]) == (1, "kdd99-paper-alad")


def test_methods_with_like_names_are_kept_apart(tmp_path):
    store(tmp_path, replace(ALAD, method=METHODS["alad-sn"], epochs_scale=0.5))
    store(tmp_path, replace(ALAD, method=METHODS["alad-untrained"]))
    assert longest(tmp_path, ALAD) is None


def test_a_stale_temporary_file_and_a_copy_are_ignored(tmp_path):
    short = replace(ALAD, epochs_scale=0.5)
    for name in (ALAD.name, short.name):
        workshop = tmp_path / f".{name}.json.x1y2z3"
        workshop.mkdir()
        (workshop / f"{name}.json").write_text('{"payl', encoding="utf-8")
        (tmp_path / f"{name}.json~").write_text('{"payl', encoding="utf-8")
        (tmp_path / f"{name} (copy).json").write_text('{"payl', encoding="utf-8")
    assert longest(tmp_path, ALAD) is None
    store(tmp_path, short)
    assert longest(tmp_path, ALAD).content["payload"]["job"] == short.name


# ------------------------------------------------------------------------------ differences


def test_what_differs_is_named(tmp_path, monkeypatch):
    store(tmp_path)
    stored = read(tmp_path, ALAD)
    other = replace(ALAD.method, settings={"spectral_norm": True}, scores=("l1",))
    assert differences(replace(ALAD, method=other), stored) == ["settings", "scores"]
    assert differences(replace(ALAD, fresh_splits=True), stored) == ["fresh_splits"]
    fewer = replace(ALAD.method, test_rows={"features": 9})
    assert differences(replace(ALAD, method=fewer), stored) == ["test_rows"]
    monkeypatch.setattr(results, "code_digest", lambda detector: "other")
    assert differences(ALAD, stored) == ["code"]


def test_a_schedule_is_no_difference_for_it_has_a_file_of_its_own(tmp_path):
    store(tmp_path, replace(ALAD, epochs_scale=0.5))
    assert differences(ALAD, longest(tmp_path, ALAD)) == []

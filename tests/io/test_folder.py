"""The model folder: what goes in comes out, and every way a folder can be wrong."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from alad import Mahalanobis, load
from alad.errors import ModelFormatError, OutputError
from alad.io import FORMAT_VERSION, Model, read_model, write_model
from alad.io import folder as folders
from alad.io.folder import is_model

FACTS = {"class": "Mahalanobis", "offset": -0.1, "name": "é"}
ARRAYS = {
    "scaler/log": np.array([True, False]),
    "scaler/shift": np.arange(6, dtype=np.float64).reshape(2, 3),
    "weights/a/kernel": np.float32([[0.1, np.nan], [-0.0, np.inf]]),
    "empty": np.zeros((0, 4), np.float32),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A model that was written."""
    write_model(tmp_path / "model", Model(dict(FACTS), ARRAYS))
    return tmp_path / "model"


@pytest.fixture
def saved(tmp_path, table) -> Path:
    """A detector that was saved."""
    Mahalanobis().fit(table).save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, **changes: object) -> None:
    """Change facts; ... takes one away."""
    path = folder / "model.json"
    facts = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({k: v for k, v in facts.items() if v is not ...}), "utf-8")


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_facts_and_arrays_come_back_to_the_bit(folder):
    model = read_model(folder)
    assert FACTS.items() <= model.facts.items()
    assert set(model.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert model.arrays[name].dtype == array.dtype
        assert model.arrays[name].shape == array.shape
        assert model.arrays[name].tobytes() == array.tobytes()


@pytest.fixture
def repeated(tmp_path) -> Path:
    """A model with an array that repeats itself."""
    rows = np.tile(np.arange(100, dtype=np.float16)[:, None], (500, 3)).astype(np.float16)
    write_model(tmp_path / "packed", Model({"class": "X"}, {"rows": rows, **ARRAYS}))
    return tmp_path / "packed"


def test_what_repeats_itself_is_packed_and_comes_back(repeated):
    rows = read_model(repeated).arrays["rows"]
    assert (rows.dtype, rows.shape) == (np.float16, (50_000, 3))
    assert np.array_equal(rows[:, 1], np.tile(np.arange(100), 500))
    rows[0] = 1  # one's own
    assert (repeated / "weights.safetensors").stat().st_size < rows.nbytes / 20


def test_arrays_are_bounded_all_together(repeated, monkeypatch):
    rows = read_model(repeated).arrays["rows"]
    three = repeated.with_name("three")
    monkeypatch.setattr(folders, "MOST_UNPACKED", 2 * rows.nbytes)
    write_model(three, Model({"class": "X"}, {f"rows/{i}": rows for i in range(3)}))
    assert all(np.array_equal(read, rows) for read in read_model(three).arrays.values())
    monkeypatch.setattr(folders, "MOST_UNPACKED", rows.nbytes)
    with pytest.raises(ModelFormatError, match="would take more than"):
        read_model(three)


@pytest.mark.parametrize(
    "was",
    [
        {"dtype": "float16", "shape": [50_000, 2]},
        {"dtype": "float16", "shape": [50_000, 4]},
        {"dtype": "float16", "shape": [-1, 3]},
        {"dtype": "object", "shape": [50_000, 3]},
        {"dtype": "no type", "shape": [50_000, 3]},
        {"shape": [50_000, 3]},
        "float16",
        {"dtype": "float16", "shape": 7},
        {"dtype": "float16", "shape": [10**11, "a"]},
        {"dtype": "float16", "shape": [10**400]},
        {"dtype": "float16", "shape": [2**27, 4]},
        {"dtype": "V2", "shape": [50_000, 3]},
        {"dtype": ">f2", "shape": [50_000, 3]},
    ],
)
def test_what_cannot_be_unpacked_is_damaged(repeated, was):
    edit(repeated, packed={"rows": was})
    with pytest.raises(ModelFormatError, match="cannot be unpacked"):
        read_model(repeated)
    edit(repeated, packed={"weights/a/kernel": {"dtype": "float32", "shape": [2, 2]}})
    with pytest.raises(ModelFormatError, match="cannot be unpacked"):
        read_model(repeated)
    edit(repeated, packed=["rows"])
    with pytest.raises(ModelFormatError, match="cannot be unpacked"):
        read_model(repeated)


def test_array_that_is_not_contiguous_comes_back(tmp_path):
    array = np.arange(12.0).reshape(3, 4).T[::2]
    write_model(tmp_path / "m", Model({"class": "X"}, {"a": array}))
    np.testing.assert_array_equal(read_model(tmp_path / "m").arrays["a"], array)


def test_folder_holds_two_plain_files_and_the_digest_of_one_in_the_other(folder):
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "weights.safetensors"]
    facts = json.loads((folder / "model.json").read_text("utf-8"))
    weights = (folder / "weights.safetensors").read_bytes()
    assert facts["format"] == "alad-model"
    assert facts["format_version"] == FORMAT_VERSION == 3
    assert facts["weights_sha256"] == hashlib.sha256(weights).hexdigest()


def test_under_gives_the_arrays_of_a_prefix(folder):
    assert set(read_model(folder).under("scaler")) == {"log", "shift"}
    assert set(read_model(folder).under("weights")) == {"a/kernel"}
    assert read_model(folder).under("scal") == {}


def test_model_and_empty_folder_may_be_replaced_and_nothing_else(folder, tmp_path):
    assert is_model(folder)
    (tmp_path / "empty").mkdir()
    assert is_model(tmp_path / "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    assert not is_model(tmp_path / "full")
    assert not is_model(tmp_path / "full" / "thesis.tex")
    assert not is_model(tmp_path / "absent")


def test_older_model_is_replaced_whole(folder):
    (folder / "weights.safetensors").write_text("a half of it")
    write_model(folder, Model({"class": "Other"}, {}))
    assert read_model(folder).facts["class"] == "Other"
    assert sorted(p.name for p in folder.iterdir()) == ["model.json", "weights.safetensors"]


def test_what_somebody_put_beside_a_model_is_not_lost(folder):
    (folder / "scores.csv").write_text("a day's work")
    with pytest.raises(OutputError, match="not ours to replace"):
        write_model(folder, Model({"class": "Other"}, {}))
    assert (folder / "scores.csv").read_text() == "a day's work"
    assert read_model(folder).facts["class"] != "Other"


def test_folder_of_others_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="not ours to replace"):
        write_model(tmp_path, Model({"class": "X"}))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("method", ["write_bytes", "write_text"])
def test_full_disk_leaves_the_older_model_whole(folder, monkeypatch, method):
    def fill(path, *args, **kwargs):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(Path, method, fill)
    with pytest.raises(OutputError, match="but no space left on device"):
        write_model(folder, Model({"class": "Other"}, {}))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_no_permission_is_said_and_nothing_is_written(tmp_path, no_permission):
    with pytest.raises(OutputError, match="but permission denied"):
        write_model(tmp_path / "model", Model({"class": "X"}))
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------- wrong folders

DAMAGED = {
    "weights cut in half": (
        lambda m: halve(m / "weights.safetensors"),
        r"weights\.safetensors is not the file that model\.json was written with",
    ),
    "facts cut in half": (
        lambda m: halve(m / "model.json"),
        r"model\.json cannot be read: (Unterm|Expecting)",
    ),
    "no weights": (
        lambda m: (m / "weights.safetensors").unlink(),
        r"weights\.safetensors cannot be read: No such file",
    ),
    "no facts": (lambda m: (m / "model.json").unlink(), r"it has no model\.json"),
    "a folder for facts": (
        lambda m: ((m / "model.json").unlink(), (m / "model.json").mkdir()),
        r"model\.json cannot be read: .*directory",
    ),
    "no text": (
        lambda m: (m / "model.json").write_bytes(b"\xff\xfe"),
        r"model\.json cannot be read: .*utf-8",
    ),
    "no object": (lambda m: (m / "model.json").write_text("[]"), r"model\.json holds no object"),
    "too deep": (
        lambda m: (m / "model.json").write_text("[" * 100_000),
        r"model\.json cannot be read: .*recursion",
    ),
    "no class": (lambda m: edit(m, **{"class": ...}), r"model\.json is incomplete"),
    "no digest": (lambda m: edit(m, weights_sha256=...), r"model\.json is incomplete"),
}


@pytest.mark.parametrize(("hurt", "what"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_folder_is_refused(saved, hurt, what):
    hurt(saved)
    for read in (read_model, load):
        with pytest.raises(ModelFormatError, match=rf"whole model at .*, but {what}") as caught:
            read(saved)
        assert str(caught.value).endswith("Copy the folder again, or save the model again.")


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\xff" * 20])
def test_weights_that_are_no_safetensors_are_refused_even_with_their_digest(folder, content):
    (folder / "weights.safetensors").write_bytes(content)
    edit(folder, weights_sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelFormatError, match=r"whole model at .*, but weights\.safetensors: "):
        read_model(folder)


def test_halves_of_two_models_are_not_taken_for_one(saved, table, tmp_path):
    Mahalanobis().fit(2 * table).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "weights.safetensors", saved)
    with pytest.raises(ModelFormatError, match="is not the file that"):
        load(saved)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"format": ...}, r"Expected a model of alad at .*; got the format None\. Give the folder"),
        ({"format": "onnx"}, r"got the format 'onnx'"),
        (
            {"format_version": 4, "alad": "7.0"},
            r"format 3 or older at .*; got 4, written by alad 7\.0\. Upgrade alad to read it\.",
        ),
        ({"format_version": "3"}, r"whole model at .*, but model.json states the format '3'\."),
        ({"format_version": ...}, r"states the format None\. Copy the folder again"),
        ({"format_version": True}, r"states the format True"),
        ({"format_version": -4}, r"states the format -4"),
        ({"n_features_in": "four"}, r"n_features_in to be an int of at least 1 .*got 'four'\. The"),
        ({"n_features_in": True}, r"n_features_in to be an int of at least 1 in the model; got T"),
        ({"rows_at_fit": -3}, r"rows_at_fit to be an int of at least 1 in the model; got -3"),
        ({"seed": 0.5}, r"seed to be an int of at least 0 in the model; got 0\.5"),
        ({"class": "Oracle"}, r"one of ALAD, ALICE, .*; got 'Oracle'\. Upgrade"),
        ({"class": ["ALAD"]}, r"one of ALAD, .*; got \['ALAD'\]"),
        ({"parameters": {"depth": 3}}, r"whole Mahalanobis model at .*wrong \(TypeError.*'depth'"),
        ({"scaler": ...}, r"missing or wrong \(KeyError: 'scaler'\)\. Save the model again"),
        ({"scaler": {"kind": "x", "bend": None}}, r"scaling to be one of none, minmax"),
        ({"offset": "low"}, r"missing or wrong \(ValueError: .*'low'"),
        ({"offset": [1]}, r"missing or wrong \(TypeError"),
        ({"encoder": {"columns": 3}}, r"Expected a list of columns"),
    ],
)
def test_facts_that_are_foreign_or_wrong_are_refused(saved, facts, message):
    edit(saved, **facts)
    with pytest.raises(ModelFormatError, match=message):
        load(saved)


def test_facts_of_another_kind_of_detector_are_refused(saved):
    edit(saved, **{"class": "ALAD", "parameters": {"preset": "kdd99"}})
    with pytest.raises(ModelFormatError, match="Expected the model to state data_dim, history"):
        load(saved)


@pytest.mark.parametrize("name", ["absent", "file", "n" * 300])
def test_what_is_no_folder_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFormatError, match=r"folder at .*; there is none that may be read\. "):
        read_model(tmp_path / name)

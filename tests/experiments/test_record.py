"""Result files: whole, plain JSON, with what a reader needs and nothing about who ran it."""

from __future__ import annotations

import getpass
import json
import platform
from datetime import datetime
from importlib import metadata
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from alad.errors import OutputError
from alad.experiments import record as module
from alad.experiments.record import commit, machine, plain, record, versions
from alad.training import cores


def written(folder, payload=None, **others):
    arguments = {"command": "alad reproduce toy", "seeds": (0, 1), "folder": folder} | others
    path = record("toy", payload or {"f1": 0.5}, **arguments)
    assert path == folder / "toy.json"
    return json.loads(path.read_text("utf-8"))


def test_a_record_says_what_was_run_on_what_with_which_versions(tmp_path):
    content = written(tmp_path / "new" / "folder")
    assert list(content) == [
        *("name", "command", "date", "machine", "versions", "git", "seeds", "payload")
    ]
    assert (content["name"], content["command"]) == ("toy", "alad reproduce toy")
    assert (content["seeds"], content["payload"]) == ([0, 1], {"f1": 0.5})
    assert datetime.fromisoformat(content["date"]).utcoffset().total_seconds() == 0
    assert content["machine"] == json.loads(json.dumps(machine()))
    assert content["versions"] == versions()


def test_a_record_does_not_say_who_ran_it_where(tmp_path):
    written(tmp_path)
    text = (tmp_path / "toy.json").read_text("utf-8")
    for secret in (platform.node(), str(Path.home()), str(tmp_path), str(Path.cwd())):
        assert len(secret) < 4 or secret not in text
    assert f'"{getpass.getuser()}"' not in text


def test_values_become_plain_and_what_is_not_finite_null():
    value = {
        "array": np.arange(3),
        "of jax": jnp.ones(2),
        "float": np.float32(0.5),
        "flag": np.bool_(True),
        "nan": float("nan"),
        "infinite": [np.inf, (-np.inf, 1.0)],
        "nested": {3: np.array([[1.0, np.nan]])},
        "none": None,
        "text": "Σ",
    }
    assert plain(value) == {
        "array": [0, 1, 2],
        "of jax": [1.0, 1.0],
        "float": 0.5,
        "flag": True,
        "nan": None,
        "infinite": [None, [None, 1.0]],
        "nested": {"3": [[1.0, None]]},
        "none": None,
        "text": "Σ",
    }
    assert type(plain(np.bool_(True))) is bool


def test_a_record_is_replaced_whole_or_not_at_all(tmp_path):
    written(tmp_path, {"f1": 0.5})
    assert written(tmp_path, {"f1": 0.75})["payload"] == {"f1": 0.75}
    with pytest.raises(TypeError):
        record("toy", {"f1": object()}, command="", seeds=(), folder=tmp_path)
    assert json.loads((tmp_path / "toy.json").read_text("utf-8"))["payload"] == {"f1": 0.75}
    assert [file.name for file in tmp_path.iterdir()] == ["toy.json"]


def test_a_place_that_cannot_be_written_is_told(tmp_path, no_permission):
    with pytest.raises(OutputError, match="permission denied"):
        written(tmp_path / "new")


def test_machine_and_versions_are_facts():
    facts = machine()
    assert facts["cores"] == cores() >= 1
    assert facts["memory_gib"] is None or facts["memory_gib"] > 0.1
    assert platform.python_version() in facts["python"]
    found = versions()
    assert found["alad"] == metadata.version("alad")
    assert {"jax", "flax", "numpy"} <= set(found)


@pytest.mark.parametrize(
    ("flags", "xla", "expected"),
    [
        ("fpu avx avx2 avx512f", "", "AVX512"),
        ("fpu avx avx2 avx512f", "--a=1 --xla_cpu_max_isa=AVX2", "AVX2"),
        ("fpu avx avx2", "--xla_cpu_max_isa=AVX512", "AVX2"),
        ("fpu", "", None),
        (None, "", None),
    ],
)
def test_instructions_are_the_widest_that_are_used(monkeypatch, flags, xla, expected):
    monkeypatch.setattr(module, "_of_processor", lambda fact: flags)
    monkeypatch.setenv("XLA_FLAGS", xla)
    assert module.instructions() == expected


def test_a_package_that_is_not_there_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("numpy", "no-such-package-of-ours"))
    assert list(versions()) == ["numpy"]


def test_the_commit_is_told_where_there_is_one(monkeypatch):
    answers = {"ls-files": "record.py", "rev-parse": "abc1234", "status": ""}
    monkeypatch.setattr(module, "git", lambda *arguments: answers[arguments[0]])
    assert commit() == {"commit": "abc1234", "dirty": False}
    answers["status"] = " M src/alad/scores.py"
    assert commit() == {"commit": "abc1234", "dirty": True}
    answers["ls-files"] = None  # somebody else's checkout
    assert commit() is None


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None

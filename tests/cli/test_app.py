"""The table of verbs: exit codes, one line for an error, and a real process at the edges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import alad as package
from alad import Mahalanobis
from alad.cli.progress import training_progress
from alad.errors import (
    AladError,
    DataSetError,
    DivergedError,
    InputError,
    ModelFormatError,
    OutputError,
)
from alad.training import Progress

FIT = ("fit", "train.csv", "-o", "new", "--detector", "mahalanobis")
FULL = (
    "error: Expected to write to standard output, but no space left on device. Free some space, or "
    "write elsewhere.\n"
)


def failing(monkeypatch, error: BaseException) -> None:
    """Let every fit end in this."""

    def fit(*args, **kwargs):
        raise error

    monkeypatch.setattr(Mahalanobis, "fit", fit)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError, 2),
        (ModelFormatError, 2),
        (DataSetError, 2),
        (OutputError, 1),
        (DivergedError, 1),
        (AladError, 1),
    ],
)
def test_expected_error_has_its_exit_code_and_one_line(alad, monkeypatch, error, code):
    failing(monkeypatch, error("Expected this;\ngot that.\nDo so."))
    alad.refused(r"Expected this; got that\. Do so\.", *FIT, code=code)


def test_bug_of_ours_keeps_its_traceback(alad, monkeypatch):
    failing(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        alad(*FIT)
    assert not Path("new").exists()


def test_ctrl_c_says_what_was_written(alad, monkeypatch):
    failing(monkeypatch, KeyboardInterrupt())
    done = alad(*FIT)
    assert (done.code, done.out, done.err) == (130, "", "stopped: nothing was written.\n")
    assert not Path("new").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_ended_from_outside_leaves_nothing_half_written(tmp_path, number):
    """A real process that has begun to write and is sent a signal."""
    code = (
        "import signal, time; from alad.cli import app, main\n"
        "from alad._files import written_aside\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"  # ignored under nohup
        "def begin(prog_name):\n"
        "    with written_aside('new.csv') as aside:\n"
        "        aside.write_text('half'); print('begun', flush=True); time.sleep(60)\n"
        "app.app = begin\n"
        "main()"
    )
    run = [sys.executable, "-c", code]
    with subprocess.Popen(run, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout.readline() == "begun\n"
        assert len(list(tmp_path.iterdir())) == 1
        ours.send_signal(number)
        assert ours.wait(30) == 128 + number
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["learn"], r"Expected .* `alad --help` shows it; no such command 'learn'\."),
        (["--loud"], r"Expected .* `alad --help` shows it; no such option: --loud\."),
        (["fit", "train.csv"], r"Expected --out or -o; got none\. `alad fit --help` says .*\."),
        (
            ["fit", "train.csv", "-o", "new", "--detector", "oracle"],
            "[^V]*'oracle' is not one of.*",
        ),
        (["fit", "train.csv", "-o", "new", "--epochs", "many"], ".* invalid value for '--epochs.*"),
        (["fit", "train.csv", "-o", "new", "--epochs"], ".* option '--epochs' requires an arg.*"),
        (["score", "model"], r"Expected TABLE; got none\. `alad score --help` says .*"),
        (["info"], r"Expected MODEL; got none\. `alad info --help` says .*"),
        (["info", "model", "more"], r".* `alad info --help` shows it; got unexpected extra .*"),
        (["reproduce"], r"Expected a command; got none\. `alad reproduce --help` says .*"),
    ],
)
def test_wrong_usage_is_told_in_one_line(alad, arguments, said):
    alad.refused(said, *arguments)


def test_no_arguments_at_all_are_no_error_but_the_help(alad):
    done = alad()
    assert "Usage: alad" in done.out + done.err
    assert "error:" not in done.err


def test_version_is_the_packages(alad):
    assert alad.good("--version").out == f"alad {package.__version__}\n"


def test_help_names_every_verb(alad):
    out = alad.good("--help").out
    assert all(f" {verb} " in out for verb in ("fit", "score", "info", "cite", "reproduce"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "model"),
        ("info", "model", "--json"),
        ("score", "model", "train.csv", "-o", "-"),
        FIT,
    ],
)
def test_full_standard_output_is_an_output_error(alad, model, monkeypatch, arguments):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        done = alad(*arguments)
    assert (done.code, done.err) == (1, FULL)


def test_process_with_a_full_standard_output_ends_with_1_and_one_line(alad, model):
    """A real one, buffered as in a shell: at its end Python writes again what is left."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (sys.executable, "-m", "alad", "score", "model", "train.csv", "-o", "-"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, FULL)


def test_closed_standard_output_is_an_output_error(alad, model, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    for arguments in (("info", "model"), ("score", "model", "train.csv", "-o", "-")):
        done = alad(*arguments)
        assert done.code == 1
        assert done.err.startswith("error: Expected to write to standard output; it is closed.")


@pytest.mark.parametrize("to", ["2>&-", "2>/dev/full"], ids=["closed", "full"])
def test_work_is_done_where_standard_error_takes_nothing(alad, model, to):
    line = f'exec "$0" -m alad score model train.csv -o s.csv --json {to}'
    done = subprocess.run(
        ("sh", "-c", line, sys.executable), stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["rows"] > 0
    assert Path("s.csv").exists()


def test_a_training_goes_on_where_nothing_more_can_be_told_of_it(monkeypatch):
    """A log's disk fills up: an hour's training is not lost for that."""
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        with training_progress("fit") as report:
            for step in (1, 2):
                report(Progress(1, 1, step, 2, 1.0, {"D": 0.5}, None))

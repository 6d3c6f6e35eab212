"""What the tests of the commands share: a small table, its model, and how a refusal looks."""

from __future__ import annotations

import io
import re
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import Mahalanobis
from alad.cli.app import app
from alad.errors import UnlikeFitWarning


@dataclass(frozen=True)
class Done:
    """What a command left to its caller."""

    code: int
    out: str
    err: str


def tree() -> dict[str, bytes | None]:
    """Every file and folder here, hidden ones too, with its content."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(Path().rglob("*"))}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond a few bytes, whoever writes it: Python, gzip or Arrow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclass(frozen=True)
class Console:
    """Runs commands in this process. An error that has no exit code fails the test."""

    monkeypatch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, stdin: bytes = b"", disk_is_full: bool = False) -> Done:
        piped = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)))
        self.monkeypatch.setattr(sys, "stdin", piped)
        quiet = warnings.catch_warnings(action="ignore", category=UnlikeFitWarning)  # as main
        disk = full_disk() if disk_is_full else nullcontext()
        with disk, quiet, pytest.raises(SystemExit) as ended:
            app([str(a) for a in arguments], prog_name="alad")
        return Done(ended.value.code, *self.captured.readouterr())

    def good(self, *arguments: object, **how: object) -> Done:
        """Run a command that succeeds."""
        done = self(*arguments, **how)
        assert done.code == 0, done.err
        return done

    def refused(self, pattern: str, *arguments: object, code: int = 2, **how: object) -> None:
        """Run a command that says why it fails, in one line, and changes nothing on disk."""
        before = tree()
        done = self(*arguments, **how)
        assert done.code == code
        assert done.out == ""
        assert re.fullmatch(rf"error: {pattern}\n", done.err), done.err
        assert tree() == before


@pytest.fixture
def alad(monkeypatch, capsys, tmp_path) -> Console:
    """The command line, in a folder that holds train.csv and train.parquet."""
    monkeypatch.chdir(tmp_path)
    frame = training_rows()
    frame.write_csv("train.csv")
    frame.write_parquet("train.parquet")
    return Console(monkeypatch, capsys)


def training_rows() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    n = 200
    return pl.DataFrame(
        {
            "bytes": rng.normal(size=n),
            "count": rng.integers(0, 9, size=n),
            "proto": rng.choice(["tcp", "udp"], n),
        }
    )


@pytest.fixture
def train() -> pl.DataFrame:
    """The rows of train.csv: two columns of numbers and one of text."""
    return training_rows()


@pytest.fixture
def model(alad, train) -> Path:
    """A model folder, fitted on these rows without a network."""
    Mahalanobis().fit(train).save("model")
    return Path("model")


@pytest.fixture
def array_model(alad, train) -> Path:
    """A model folder, fitted on an array of two columns."""
    Mahalanobis(random_state=0).fit(train.select("bytes", "count").to_numpy()).save("array-model")
    return Path("array-model")

"""Results of methods on disk: one JSON file for a method on a data set by a protocol.

A file holds one run for each seed. Runs in one file come from the same settings and the same data;
what differs is not mixed in, but refused with a way out. So is other code, unless its results are
said to be as good: each run carries the digest of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alad.datasets import DATA_SETS
from alad.errors import InputError
from alad.experiments.code import code_digest
from alad.experiments.record import plain, record
from alad.experiments.registry import Method, Table

Run = dict[str, Any]

CODE = "code"
SHORT = "-epochs-x"  # what a shortened schedule adds to a file's name


@dataclass(frozen=True)
class Job:
    """A method on a data set by a protocol: what one result file holds.

    ``epochs_scale`` is the share of the source's epochs that networks are trained for.
    """

    method: Method
    data_set: str
    protocol: str
    fresh_splits: bool
    epochs_scale: float = 1.0

    @property
    def name(self) -> str:
        """The file's name without ``.json``."""
        short = "" if self.scale == 1 else f"{SHORT}{self.scale:g}"
        return f"{self.data_set}-{self.protocol}-{self.method.name}{short}"

    @property
    def scale(self) -> float:
        """``epochs_scale``, where there are epochs to be scaled."""
        return self.epochs_scale if self.method.is_trained else 1.0

    @property
    def identity(self) -> dict[str, Any]:
        """What has to be equal for runs to stand in one file, beside their code."""
        settings = self.method.settings_for(self.data_set, self.epochs_scale)
        facts = {
            "detector": self.method.detector,
            "settings": settings,
            "scores": list(self.method.scores),
            "fresh_splits": self.fresh_splits,
            "test_rows": dict(self.method.test_rows),
        }
        if self.method.components is not None:
            facts["components"] = self.method.components
        found: dict[str, Any] = plain(facts)
        return found

    @property
    def is_of_pictures(self) -> bool:
        """Whether the data set is one of pictures."""
        return DATA_SETS[self.data_set].pictures

    @property
    def command(self) -> str:
        """What of the command line asks for it."""
        if self.is_of_pictures:
            return f"{self.data_set} --full --class {self.protocol} --method {self.method.name}"
        return f"tabular --method {self.method.name}"

    @property
    def code(self) -> str:
        """The digest of the code that its runs would come from."""
        return code_digest(self.method.detector)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that are others where ``identity`` or the code is another."""
        text = json.dumps([self.identity, self.code], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def is_random(self) -> bool:
        """Whether a seed makes a difference."""
        return self.method.random or self.fresh_splits

    def seeds(self, wanted: Sequence[int]) -> tuple[int, ...]:
        """Those seeds that make a difference: of a method without chance, the first."""
        return tuple(wanted) if self.is_random else tuple(wanted[:1])


def jobs_of(tables: Sequence[Table], epochs_scale: float = 1.0) -> list[Job]:
    """What the tables rest on, each once: tables share results."""
    found: dict[str, Job] = {}
    for table in tables:
        for method in table.methods:
            job = Job(method, table.data_set, table.protocol, table.fresh_splits, epochs_scale)
            found.setdefault(job.name, job)
    return list(found.values())


@dataclass(frozen=True)
class Stored:
    """The content of a result file."""

    content: Mapping[str, Any]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its runs have in common."""
        identity: Mapping[str, Any] = self.content["payload"]["identity"]
        return identity

    @property
    def runs(self) -> list[Run]:
        """One for each seed, by rising seed."""
        runs: list[Run] = self.content["payload"]["runs"]
        return runs

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are done."""
        return tuple(run["seed"] for run in self.runs)

    @property
    def commits(self) -> list[str]:
        """The commits that its runs were made at."""
        return sorted({run["git"]["commit"] for run in self.runs if run.get("git")})

    @property
    def codes(self) -> list[str]:
        """The digests of the code that its runs came from."""
        return sorted({run["code"] for run in self.runs})


def read(folder: Path, job: Job) -> Stored | None:
    """Read a job's file; None if there is none.

    Raises
    ------
    InputError
        It cannot be read, or is the result of another job.
    """
    path = folder / f"{job.name}.json"
    if not path.exists():
        return None
    try:
        stored = Stored(json.loads(path.read_text("utf-8")))
        payload = stored.content["payload"]
        _ = (
            stored.identity,
            stored.seeds,
            stored.codes,
            payload["pictures"],
            payload["epochs_scale"],
        )
        if payload["job"] != job.name:
            raise ValueError(f"it is the result {payload['job']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"Expected a result of alad in {path}; it cannot be read as one "
            f"({type(error).__name__}: {error}). Move it away, or give another folder."
        ) from error
    return stored


def longest(folder: Path, job: Job) -> Stored | None:
    """Read the file of a job whose schedule is the longest that is stored, whatever that is."""
    full = Job(job.method, job.data_set, job.protocol, job.fresh_splits)
    scales = [1.0] if (folder / f"{full.name}.json").exists() else []
    if job.method.is_trained:
        pattern = f"{full.name}{SHORT}*.json"
        scales += [scale for path in folder.glob(pattern) if (scale := _scale_of(path)) is not None]
    return read(folder, replace(full, epochs_scale=max(scales))) if scales else None


def _scale_of(path: Path) -> float | None:
    try:
        return float(path.stem.rpartition(SHORT)[2])
    except ValueError:  # a copy that somebody made
        return None


def differences(job: Job, stored: Stored) -> list[str]:
    """Name what a stored result was made with that is otherwise now."""
    now = replace(job, epochs_scale=stored.content["payload"]["epochs_scale"]).identity
    found = [name for name in now if stored.identity.get(name) != now[name]]
    return found if stored.codes in ([], [job.code]) else [*found, CODE]


def by_difference(named: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """By what differs of them: the names, without those of which nothing does.

    >>> by_difference([("ALAD", ["code"]), ("GAN", []), ("DAGMM", ["code"])])
    {'code': ['ALAD', 'DAGMM']}
    """
    found: dict[str, list[str]] = {}
    for name, differs in named:
        if differs:
            found.setdefault(" and ".join(differs), []).append(name)
    return found


def write(folder: Path, job: Job, runs: Sequence[Run], pictures: Mapping[str, Any]) -> Path:
    """Write a job's file anew, whole or not at all."""
    ordered = sorted(runs, key=lambda run: int(run["seed"]))
    scale = "" if job.scale == 1 else f" --epochs-scale {job.scale:g}"
    payload = {
        "job": job.name,
        "method": job.method.name,
        "data_set": job.data_set,
        "protocol": job.protocol,
        "epochs_scale": job.scale,
        "identity": job.identity,
        "runs": ordered,
        "pictures": pictures,
    }
    return record(
        job.name,
        payload,
        command=f"alad reproduce {job.command} --seeds {len(ordered)}{scale}",
        seeds=[run["seed"] for run in ordered],
        folder=folder,
    )

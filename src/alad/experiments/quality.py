"""How well detectors detect, over many tables: one fit for each, judged in several ways.

A panel is a list of tables by one protocol, each divided anew for each seed. The results of a
:class:`Contender` over a panel are one file, in which each table has a run for each seed; what is
stored is skipped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from alad.datasets import DATA_SETS, Split, adbench
from alad.errors import InputError
from alad.estimators import DETECTORS
from alad.experiments.code import code_digest
from alad.experiments.record import commit, record
from alad.experiments.registry import Method
from alad.experiments.results import CODE
from alad.experiments.run import KEEP, ONLY, as_taken
from alad.metrics import detection_metrics
from alad.scores import ABLATION

METRICS = ("auroc", "average_precision", "f1")
COMPILED = 300  # rows that are scored before the time is taken: more than a block of them

TABLES, PICTURES = "tables", "pictures"

Tell = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Panel:
    """Problems that are judged together, each a data set and a protocol.

    ``seeds`` is how many are usual. Of ``pictures`` the protocol is the class that is normal.
    """

    name: str
    title: str
    problems: tuple[tuple[str, str], ...]
    seeds: int
    pictures: bool = False

    @property
    def by_name(self) -> dict[str, tuple[str, str]]:
        """The problems, by the name of their table or class."""
        return {pair[self.pictures]: pair for pair in self.problems}

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the problems."""
        return tuple(self.by_name)


def _adbench(protocol: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, protocol) for name in adbench.FILES)


PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        Panel("adbench", "Ten tables of ADBench", _adbench("one-class"), 3),
        Panel(
            "contaminated",
            "Ten tables of ADBench, 5 % of the training rows are anomalies",
            _adbench("contaminated"),
            3,
        ),
        Panel("kdd99", "KDDCup99, paper", (("kdd99", "paper"),), 10),
        Panel(
            "kdd99-corrected",
            "KDDCup99, attacks are the anomaly",
            (("kdd99", "corrected-labels"),),
            10,
        ),
        Panel("arrhythmia", "Arrhythmia, one-class", (("arrhythmia", "one-class"),), 10),
        Panel(
            "cifar10",
            "CIFAR-10, airplanes and automobiles",
            (("cifar10", "airplane"), ("cifar10", "automobile")),
            3,
            pictures=True,
        ),
    )
}


@dataclass(frozen=True)
class Contender:
    """A method by its name in print. No data set's preset is added to its settings.

    ``takes`` says what it is judged on: tables, pictures, or both.
    """

    label: str
    method: Method
    control: bool = False
    takes: tuple[str, ...] = (TABLES,)

    @property
    def name(self) -> str:
        """The method's, part of file names."""
        return self.method.name

    @property
    def scores(self) -> tuple[str, ...]:
        """What one fit of it is judged by."""
        return self.method.scores or (ONLY,)

    def is_of(self, panel: Panel) -> bool:
        """Whether it takes what the panel has."""
        return (PICTURES if panel.pictures else TABLES) in self.takes


PAPER = {"preset": "kdd99", "scaling": "standard", "learning_rate": 2e-4, "anomaly_score": "memory"}
BY_MEMORY = {"anomaly_score": "memory"}
BOUNDED = {"kdd99": {"max_rows": 20_000}}  # of KDDCup99, for those that compare with every row
OF_PICTURES = {"preset": "pictures"}


def _control(
    label: str, *method: Any, takes: tuple[str, ...] = (TABLES, PICTURES), **settings: Any
) -> Contender:
    return Contender(label, Method(*method, **settings), control=True, takes=takes)


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(
            "ALAD()",
            Method(
                "alad",
                "ALAD",
                scores=("memory", "local-distance", "distance", "features", "logits", "l1"),
            ),
        ),
        Contender(
            "ALAD(leave_out_knots=True)",
            Method("alad-no-knots", "ALAD", {"leave_out_knots": True}, ("memory", "distance")),
        ),
        Contender(
            "ALAD() without exchanged columns",
            Method("alad-no-exchange", "ALAD", {"exchange": False}, ("memory", "features")),
        ),
        Contender(
            "ALAD() with standard scaling",
            Method("alad-standard", "ALAD", {"scaling": "standard"}, ("memory", "local-distance")),
        ),
        Contender("ALAD() without D_zz", Method("alice", "ALICE", BY_MEMORY, ("memory",))),
        Contender("ALAD() without D_zz and D_xx", Method("bigan", "BiGAN", BY_MEMORY, ("memory",))),
        Contender("the paper's ALAD", Method("alad-paper", "ALAD", PAPER, ("features", "memory"))),
        Contender(
            "the paper's ALAD with exchanged columns",
            Method(
                "alad-paper-exchange", "ALAD", {**PAPER, "exchange": True}, ("features", "memory")
            ),
        ),
        Contender(
            'ALAD(preset="pictures")',
            Method("alad-pictures", "ALAD", OF_PICTURES, ABLATION),
            takes=(PICTURES,),
        ),
        _control(
            "ALAD() untrained",
            "alad-untrained",
            "ALAD",
            {"epochs": 0},
            ("memory", "features"),
            takes=(TABLES,),
        ),
        _control(
            'ALAD(preset="pictures") untrained',
            "alad-pictures-untrained",
            "ALAD",
            {**OF_PICTURES, "epochs": 0},
            ABLATION,
            takes=(PICTURES,),
        ),
        _control("k nearest neighbours, the fifth", "knn", "KNN", of=BOUNDED),
        _control(
            "k nearest neighbours, mean of five", "knn-mean", "KNN", {"method": "mean"}, of=BOUNDED
        ),
        _control("LOF", "lof", "LOF", of=BOUNDED),
        _control("Isolation Forest", "if", "IsolationForest"),
        _control("OC-SVM", "oc-svm", "OCSVM", {"nu": 0.05, "gamma": "scale"}, of=BOUNDED),
        _control("Mahalanobis distance", "mahalanobis", "Mahalanobis"),
        _control("PCA", "pca", "PCA"),
        _control(
            "Autoencoder", "autoencoder", "AutoEncoder", {}, ("l2",), of={"cifar10": OF_PICTURES}
        ),
    )
}


def run(
    panel: Panel,
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    folder: Path,
    tell: Tell,
    *,
    refresh: bool = False,
    other_code: bool = False,
) -> None:
    """Make every run that is not stored; a contender's file is written after each.

    ``tell`` is told in words what comes next, and in how many seconds all may be done. With
    ``other_code`` stored runs of other code are taken for as good as those of this one.

    Raises
    ------
    InputError
        A stored result was made with other settings or other code, and ``refresh`` is off; or a
        contender does not take what the panel has.
    """
    if foreign := [c.name for c in contenders if not c.is_of(panel)]:
        raise InputError(
            f"Expected methods for {PICTURES if panel.pictures else TABLES} on the panel "
            f"{panel.name}; got {', '.join(foreign)}. Leave them out."
        )
    known = {
        c.name: {} if refresh else _stored(folder, panel, c, check=True, other_code=other_code)
        for c in contenders
    }
    missing = [
        (contender, table, seed)
        for contender in contenders
        for table in panel.tables
        for seed in seeds
        if seed not in {one["seed"] for one in known[contender.name].get(table, ())}
    ]
    began = time.monotonic()
    for number, (contender, table, seed) in enumerate(missing):
        left = (time.monotonic() - began) / number * (len(missing) - number) if number else None
        place = f"[{number + 1}/{len(missing)}]"
        tell(f"{place} {panel.name}: {contender.name}, {table}, seed {seed}", left)
        name, protocol = panel.by_name[table]
        data_set, runs = DATA_SETS[name], known[contender.name]
        split = data_set.split(data_set.protocols[protocol], seed=seed)
        split = as_taken(contender.method, split)
        one = _one(contender, contender.method.own_settings(name), split)
        runs[table] = sorted([*runs.get(table, ()), one], key=lambda run: int(run["seed"]))
        _write(folder, panel, contender, runs)


def _one(contender: Contender, settings: Mapping[str, Any], split: Split) -> dict[str, Any]:
    """Fit once, and judge by every score."""
    detector = DETECTORS[contender.method.detector](random_state=split.seed, **settings)
    began = time.monotonic()
    detector.fit(split.x_train)
    fit_seconds = time.monotonic() - began
    scores = {}
    for score in contender.scores:
        if score != ONLY:
            detector.set_params(anomaly_score=score)
        detector.score_samples(split.x_test[:COMPILED])
        began = time.monotonic()
        a = -detector.score_samples(split.x_test)
        seconds = time.monotonic() - began
        found = detection_metrics(split.y_test, a, None)
        scores[score] = {metric: found[metric] for metric in METRICS} | {
            "microseconds": 1e6 * seconds / len(a)
        }
    return {
        "seed": split.seed,
        "fingerprint": split.fingerprint,
        "rows": len(split.x_train),
        "columns": math.prod(split.x_train.shape[1:]),
        "fit_seconds": fit_seconds,
        "scores": scores,
        "git": commit(),
    }


def _name(panel: Panel, contender: Contender) -> str:
    return f"{panel.name}-{contender.name}"


def _identity(panel: Panel, contender: Contender) -> dict[str, Any]:
    return {
        "detector": contender.method.detector,
        "settings": contender.method.own_settings(panel.problems[0][0]),
        "scores": list(contender.scores),
        CODE: code_digest(contender.method.detector),
    }


def _write(folder: Path, panel: Panel, contender: Contender, runs: Mapping[str, Any]) -> None:
    seeds = sorted({one["seed"] for of_table in runs.values() for one in of_table})
    record(
        _name(panel, contender),
        {"identity": _identity(panel, contender), "runs": runs},
        command=f"alad bench quality {panel.name} --method {contender.name} --seeds {len(seeds)}"
        + (f" --first-seed {seeds[0]}" if seeds[0] else ""),
        seeds=seeds,
        folder=folder,
    )


def _stored(
    folder: Path,
    panel: Panel,
    contender: Contender,
    *,
    check: bool = False,
    other_code: bool = False,
) -> dict[str, Any]:
    """Runs by table; empty where nothing is stored."""
    path = folder / f"{_name(panel, contender)}.json"
    if not path.exists():
        return {}
    try:
        payload = json.loads(path.read_text("utf-8"))["payload"]
        identity, runs = payload["identity"], dict(payload["runs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"Expected a result of 'alad bench quality' in {path}; it cannot be read as one "
            f"({type(error).__name__}: {error}). Move it away, or give another folder."
        ) from error
    now = _identity(panel, contender) if check else {}
    other = [name for name in now if identity.get(name) != now[name]]
    if other and not (other_code and other == [CODE]):
        raise InputError(
            f"Expected {path.name} to come from the same {' and '.join(other)} as now; it does "
            f"not. Give --refresh to make it anew{KEEP if other == [CODE] else ''}, or another "
            "folder for results."
        )
    return runs


def compared(panel: Panel, folder: Path) -> dict[str, Any]:
    """Give a panel as a dictionary that JSON can hold: every contender and score that is whole.

    Only tables and seeds that all of them have are compared. ``rank`` is the mean rank by AUROC
    over tables, of the means over seeds, 1 the best, among the contenders' first scores; so is
    ``critical_difference``, beyond which two mean ranks differ (Nemenyi, at 5 %).
    """
    tables = list(panel.tables)
    stored = [(contender, _stored(folder, panel, contender)) for contender in CONTENDERS.values()]
    whole = [(contender, runs) for contender, runs in stored if set(tables) <= set(runs)]
    shared = {table: _shared([runs[table] for _, runs in whole]) for table in tables}
    rows = [
        _row(contender, score, runs, tables, shared)
        for contender, runs in whole
        for score in contender.scores
    ]
    firsts = [row for row in rows if row["is_first"]]
    if len(firsts) > 1 and len(tables) > 1:
        _rank(firsts, tables)
    return {
        "name": panel.name,
        "title": panel.title,
        "tables": tables,
        "seeds": {table: len(seeds) for table, seeds in shared.items()},
        "rows": rows,
        "critical_difference": _critical_difference(len(firsts), len(tables)),
    }


def _shared(of_table: Sequence[Sequence[Mapping[str, Any]]]) -> list[int]:
    """The seeds that every contender has."""
    return sorted(set.intersection(*({one["seed"] for one in runs} for runs in of_table or [()])))


def _row(
    contender: Contender,
    score: str,
    runs: Mapping[str, Any],
    tables: Sequence[str],
    seeds: Mapping[str, Sequence[int]],
) -> dict[str, Any]:
    kept = {table: [o for o in runs[table] if o["seed"] in seeds[table]] for table in tables}
    by_table = {
        metric: {
            table: float(np.mean([one["scores"][score][metric] for one in kept[table]]))
            for table in tables
        }
        for metric in METRICS
    }
    every = [one for of_table in kept.values() for one in of_table]
    return {
        "name": contender.name,
        "label": contender.label,
        "score": score,
        "is_first": score == contender.scores[0],
        "control": contender.control,
        "mean": {metric: float(np.mean(list(by_table[metric].values()))) for metric in METRICS},
        "by_table": by_table,
        "per_seed": {
            metric: {
                table: [one["scores"][score][metric] for one in kept[table]] for table in tables
            }
            for metric in METRICS
        },
        "rank": None,
        "fit_seconds": float(np.median([one["fit_seconds"] for one in every])),
        "microseconds": float(np.median([one["scores"][score]["microseconds"] for one in every])),
        "commits": sorted({one["git"]["commit"] for one in every if one["git"]}),
    }


def _rank(rows: Sequence[dict[str, Any]], tables: Sequence[str]) -> None:
    auroc = np.array([[row["by_table"]["auroc"][table] for table in tables] for row in rows])
    ranks = stats.rankdata(-auroc, axis=0).mean(axis=1)
    for row, rank in zip(rows, ranks, strict=True):
        row["rank"] = float(rank)


def _critical_difference(contenders: int, tables: int) -> float | None:
    """Demsar's: q sqrt(k (k + 1) / 6 N), q from the studentised range, over the root of two."""
    if contenders < 2 or tables < 2:
        return None
    q = float(stats.studentized_range.ppf(0.95, contenders, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(contenders * (contenders + 1) / (6 * tables)))

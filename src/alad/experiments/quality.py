"""How well detectors detect, over many tables: one fit for each, judged in several ways.

A panel is a list of tables by one protocol, each divided anew for each seed. A :class:`Contender`
is a detector with its settings, judged by one or several scores. Its results over a panel are one
file, in which each table has a run for each seed; what is stored is skipped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from alad.datasets import DATA_SETS, Split, adbench
from alad.errors import InputError
from alad.estimators import DETECTORS
from alad.experiments.code import code_digest
from alad.experiments.record import commit, record
from alad.experiments.run import ONLY
from alad.metrics import detection_metrics

METRICS = ("auroc", "average_precision", "f1")
JUDGED = 20_000  # rows that scoring is timed on

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Panel:
    """Tables that are judged together; ``seeds`` is how many are usual."""

    name: str
    title: str
    tables: tuple[tuple[str, str], ...]
    seeds: int


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
    )
}


@dataclass(frozen=True)
class Contender:
    """A detector, its settings, and the scores that one fit of it is judged by."""

    name: str
    label: str
    detector: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    scores: tuple[str, ...] = (ONLY,)
    control: bool = False


PAPER = {"preset": "kdd99", "scaling": "standard", "learning_rate": 2e-4, "anomaly_score": "memory"}

CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        Contender(
            "alad",
            "ALAD()",
            "ALAD",
            scores=("memory", "local-distance", "distance", "features", "logits", "l1"),
        ),
        Contender(
            "alad-no-knots",
            "ALAD(leave_out_knots=True)",
            "ALAD",
            {"leave_out_knots": True},
            ("memory", "distance"),
        ),
        Contender(
            "alad-no-exchange",
            "ALAD() without exchanged columns",
            "ALAD",
            {"exchange": False},
            ("memory", "features"),
        ),
        Contender(
            "alad-standard",
            "ALAD() with standard scaling",
            "ALAD",
            {"scaling": "standard"},
            ("memory", "local-distance"),
        ),
        Contender(
            "alice", "ALAD() without D_zz", "ALICE", {"anomaly_score": "memory"}, ("memory",)
        ),
        Contender(
            "bigan",
            "ALAD() without D_zz and D_xx",
            "BiGAN",
            {"anomaly_score": "memory"},
            ("memory",),
        ),
        Contender("alad-paper", "the paper's ALAD", "ALAD", PAPER, ("features", "memory")),
        Contender(
            "alad-paper-exchange",
            "the paper's ALAD with exchanged columns",
            "ALAD",
            {**PAPER, "exchange": True},
            ("features", "memory"),
        ),
        Contender(
            "alad-untrained",
            "ALAD() untrained",
            "ALAD",
            {"epochs": 0},
            ("memory", "features"),
            control=True,
        ),
        Contender("knn", "k nearest neighbours, the fifth", "KNN", control=True),
        Contender(
            "knn-mean",
            "k nearest neighbours, mean of five",
            "KNN",
            {"method": "mean"},
            control=True,
        ),
        Contender("lof", "LOF", "LOF", control=True),
        Contender("if", "Isolation Forest", "IsolationForest", control=True),
        Contender("oc-svm", "OC-SVM", "OCSVM", {"nu": 0.05, "gamma": "scale"}, control=True),
        Contender("mahalanobis", "Mahalanobis distance", "Mahalanobis", control=True),
        Contender("pca", "PCA", "PCA", control=True),
        Contender("autoencoder", "Autoencoder", "AutoEncoder", {}, ("l2",), control=True),
    )
}
LARGE = {"knn": 20_000, "knn-mean": 20_000, "lof": 20_000, "oc-svm": 20_000}  # rows kept of KDD99


def settings_of(contender: Contender, panel: Panel) -> dict[str, Any]:
    """The contender's settings, and a bound on rows where the table is too large for it."""
    is_large = panel.name.startswith("kdd99") and contender.name in LARGE
    bound = {"max_rows": LARGE[contender.name]} if is_large else {}
    return {**contender.settings, **bound}


def run(
    panel: Panel,
    contenders: Sequence[Contender],
    seeds: Sequence[int],
    folder: Path,
    tell: Tell,
    *,
    refresh: bool = False,
) -> None:
    """Make every run that is not stored, table by table; the file is written after each.

    Raises
    ------
    InputError
        A stored result was made with other settings or other code, and ``refresh`` is off.
    """
    for number, contender in enumerate(contenders, 1):
        known = {} if refresh else _stored(folder, panel, contender, check=True)
        for place, (table, protocol) in enumerate(panel.tables, 1):
            done = known.setdefault(table, [])
            missing = [seed for seed in seeds if seed not in {one["seed"] for one in done}]
            if not missing:
                continue
            tell(
                f"{panel.name}: {contender.name} ({number}/{len(contenders)}), "
                f"{table} ({place}/{len(panel.tables)})"
            )
            data_set = DATA_SETS[table]
            for seed in missing:
                split = data_set.split(data_set.protocols[protocol], seed=seed)
                done.append(_one(contender, settings_of(contender, panel), split))
                done.sort(key=lambda one: int(one["seed"]))
                _write(folder, panel, contender, known)


def _one(contender: Contender, settings: Mapping[str, Any], split: Split) -> dict[str, Any]:
    """Fit once, and judge by every score."""
    detector = DETECTORS[contender.detector](random_state=split.seed, **settings)
    began = time.monotonic()
    detector.fit(split.x_train)
    fit_seconds = time.monotonic() - began
    scores = {}
    for score in contender.scores:
        if score != ONLY:
            detector.set_params(anomaly_score=score)
        a = -detector.score_samples(split.x_test)
        some = split.x_test[:JUDGED]
        began = time.monotonic()  # what is compiled was compiled a line ago
        detector.score_samples(some)
        seconds = time.monotonic() - began
        found = detection_metrics(split.y_test, a, None)
        scores[score] = {metric: found[metric] for metric in METRICS} | {
            "microseconds": 1e6 * seconds / len(some)
        }
    return {
        "seed": split.seed,
        "fingerprint": split.fingerprint,
        "rows": len(split.x_train),
        "columns": split.x_train.shape[1],
        "fit_seconds": fit_seconds,
        "scores": scores,
        "git": commit(),
    }


def _name(panel: Panel, contender: Contender) -> str:
    return f"{panel.name}-{contender.name}"


def _identity(panel: Panel, contender: Contender) -> dict[str, Any]:
    return {
        "detector": contender.detector,
        "settings": settings_of(contender, panel),
        "scores": list(contender.scores),
        "code": code_digest(contender.detector),
    }


def _write(folder: Path, panel: Panel, contender: Contender, runs: Mapping[str, Any]) -> None:
    seeds = sorted({one["seed"] for of_table in runs.values() for one in of_table})
    record(
        _name(panel, contender),
        {"identity": _identity(panel, contender), "runs": runs},
        command=f"alad bench quality {panel.name} --method {contender.name} --seeds {len(seeds)}",
        seeds=seeds,
        folder=folder,
    )


def _stored(
    folder: Path, panel: Panel, contender: Contender, *, check: bool = False
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
    if check and identity != (now := _identity(panel, contender)):
        other = " and ".join(name for name in now if identity.get(name) != now[name])
        raise InputError(
            f"Expected {path.name} to come from the same {other} as now; it does not. "
            "Give --refresh to make it anew, or another folder for results."
        )
    return runs


def compared(panel: Panel, folder: Path) -> dict[str, Any]:
    """Give a panel as a dictionary that JSON can hold: every contender and score that is whole.

    Only tables and seeds that all of them have are compared. ``rank`` is the mean rank by AUROC
    over tables, of the means over seeds, 1 the best, among the contenders' first scores; so is
    ``critical_difference``, beyond which two mean ranks differ (Nemenyi, at 5 %).
    """
    tables = [table for table, _ in panel.tables]
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

"""The paper's tables for pictures: one class is normal, the others are anomalies; AUROC.

A table has a row for each method and score, and a column for each class that is the normal one in
turn. Each of its cells is a job of its own, kept and gone on with as those of
:mod:`alad.experiments.run` are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alad.datasets import DATA_SETS
from alad.experiments import results
from alad.experiments.published import AUROCS, BY_CLASS, Auroc, as_printed, footnotes
from alad.experiments.registry import METHODS, ONLY, Method, Row
from alad.experiments.results import Job, Stored

CONTROLS = (
    Row("ALAD, untrained", "alad-untrained", "features", control=True),
    Row("Autoencoder", "autoencoder", "l2", control=True),
    Row("PCA", "pca", control=True),
    Row("Mahalanobis distance, PCA features", "mahalanobis-pca", control=True),
    Row("k nearest neighbours", "knn", control=True),
)


@dataclass(frozen=True)
class OneClassTable:
    """A table of AUROCs: rows by classes.

    ``of_paper`` is whether it is part of the paper's; the methods of another are run if named.
    """

    name: str
    title: str
    data_set: str
    rows: tuple[Row, ...]
    of_paper: bool = True

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, each of which is the normal one in turn."""
        return tuple(DATA_SETS[self.data_set].protocols)

    def published(self, row: Row) -> Auroc | None:
        """The number that a row answers to."""
        return AUROCS[self.data_set].get(row.published) if row.published else None


MAIN = (
    Row("OC-SVM, PCA features", "oc-svm-pca", published="OC-SVM"),
    Row("Isolation Forest, the paper's settings", "if-paper", published="IF"),
    Row("DSEBM-r", "dsebm", "reconstruction", published="DSEBM-r"),
    Row("DSEBM-e", "dsebm", "energy", published="DSEBM-e"),
    Row("ALAD", "alad-sn", "features", published="ALAD"),
    *CONTROLS,
)
ABLATION = tuple(
    Row(f"Baseline{what}", method, "features", published=f"Baseline{what}")
    for what, method in (
        ("", "alice"),
        (" + DL", "alad"),
        (" + SN", "alice-sn"),
        (" + SN + DL", "alad-sn"),
    )
)
SCORES = tuple(
    Row(label, "alad-sn", score, published=label)
    for score, label in {
        "l1": "L1",
        "l2": "L2",
        "logits": "Logits",
        "features": "Features",
    }.items()
)
PRECISIONS = (
    Row("ALAD, float32", "alad-sn", "features"),
    Row("ALAD, bfloat16", "alad-sn-bf16", "features"),
)

ONE_CLASS: dict[str, OneClassTable] = {
    table.name: table
    for table in (
        OneClassTable("cifar10", "CIFAR-10, every method", "cifar10", MAIN),
        OneClassTable("cifar10-ablation", "CIFAR-10, ablation", "cifar10", ABLATION),
        OneClassTable("cifar10-scores", "CIFAR-10, scores of ALAD", "cifar10", SCORES),
        OneClassTable(
            "cifar10-bfloat16", "CIFAR-10, ALAD in bfloat16", "cifar10", PRECISIONS, of_paper=False
        ),
        OneClassTable("svhn", "SVHN, every method", "svhn", MAIN),
        OneClassTable("svhn-ablation", "SVHN, ablation", "svhn", ABLATION),
        OneClassTable("svhn-scores", "SVHN, scores of ALAD", "svhn", SCORES),
    )
}


def jobs_of(
    tables: Sequence[OneClassTable],
    classes: Sequence[str],
    methods: Sequence[str],
    epochs_scale: float,
) -> list[Job]:
    """What the tables rest on, each once, class by class: a class is whole before the next."""
    found: dict[str, Job] = {}
    for name in classes:
        for table in tables:
            for method in _methods(table):
                if method.name in methods:
                    job = Job(method, table.data_set, name, False, epochs_scale)
                    found.setdefault(job.name, job)
    return list(found.values())


def _methods(table: OneClassTable) -> list[Method]:
    return [METHODS[name] for name in dict.fromkeys(row.method for row in table.rows)]


def one_class(table: OneClassTable, folder: Path) -> dict[str, Any]:
    """Give a table as a dictionary that JSON can hold; cells without a result are None.

    ``mean`` is over the classes that are stored, of each the mean over its seeds; ``sd`` is the
    deviation between classes, as in the paper. Of several schedules the longest that is stored
    counts.
    """
    rows = [_row(table, row, folder) for row in table.rows]
    return {
        "name": table.name,
        "title": table.title,
        "data_set": table.data_set,
        "classes": list(table.classes),
        "by_class": [asdict(row) for row in BY_CLASS.get(table.name, ())],
        "rows": rows,
        "footnotes": footnotes(rows),
        "made_otherwise": made_otherwise(rows),
        "sources": sorted(
            {
                source
                for row in rows
                for cell in row["cells"].values()
                if cell
                for source in cell["sources"]
            }
        ),
    }


def made_otherwise(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By what differs from what a method would be made with now: rows, with classes if not all.

    >>> cells = {"cat": {"differs": ["code"]}, "dog": None, "frog": {"differs": []}}
    >>> made_otherwise([{"label": "ALAD", "cells": cells}])
    {'code': ['ALAD (cat)']}
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        stored = {name: cell for name, cell in row["cells"].items() if cell}
        differs = results.by_difference((name, cell["differs"]) for name, cell in stored.items())
        for what, names in differs.items():
            only = "" if len(names) == len(stored) else f" ({', '.join(names)})"
            found.setdefault(what, []).append(row["label"] + only)
    return found


def _row(table: OneClassTable, row: Row, folder: Path) -> dict[str, Any]:
    published = table.published(row)
    cells = {name: _cell(table, row, name, folder) for name in table.classes}
    means = [cell["auroc"]["mean"] for cell in cells.values() if cell]
    several = len(means) > 1
    return {
        "label": row.label,
        "method": row.method,
        "score": row.score or ONLY,
        "control": row.control,
        "published": as_printed(published),
        "cells": cells,
        "mean": float(np.mean(means)) if means else None,
        "sd": float(np.std(means, ddof=1)) if several else None,
        "classes": len(means),
        "epochs": from_to([n for cell in cells.values() if cell for n in cell["epochs"]]),
        "is_whole": len(means) == len(table.classes)
        and all(cell["epochs_scale"] == 1 for cell in cells.values() if cell),
    }


def from_to(numbers: Sequence[int]) -> str:
    """The least and the largest, as of the epochs of trainings that patience ended.

    >>> from_to([15, 22, 12]), from_to([3, 3]), from_to([])
    ('12 to 22', '3', '')
    """
    return " to ".join(map(str, sorted({min(numbers), max(numbers)}))) if numbers else ""


def stored_cells(table: str, folder: Path) -> list[Stored]:
    """Every result that a table rests on."""
    asked = ONE_CLASS[table]
    jobs = jobs_of([asked], asked.classes, tuple(METHODS), 1.0)
    return [found for job in jobs if (found := results.longest(folder, job)) is not None]


def _cell(table: OneClassTable, row: Row, name: str, folder: Path) -> dict[str, Any] | None:
    job = Job(METHODS[row.method], table.data_set, name, False)
    stored = results.longest(folder, job)
    score = row.score or ONLY
    if stored is None or not all(score in run["scores"] for run in stored.runs):
        return None
    values = [run["scores"][score]["at_cut"]["auroc"] for run in stored.runs]
    return {
        "auroc": {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        },
        "seeds": list(stored.seeds),
        "commits": stored.commits,
        "sources": sorted({run["source"] for run in stored.runs if "source" in run}),
        "epochs_scale": stored.content["payload"]["epochs_scale"],
        "epochs": _epochs(stored),
        "epochs_asked": stored.identity["settings"].get("epochs"),
        "differs": results.differences(job, stored),
    }


def _epochs(stored: Stored) -> list[int]:
    """How many epochs each seed was trained for: patience may end a training early."""
    return [run["training"]["epochs"][-1] for run in stored.runs if run["training"]]


def has_results(table: Mapping[str, Any]) -> bool:
    """Whether anything of a table is stored."""
    return any(row["mean"] is not None for row in table["rows"])

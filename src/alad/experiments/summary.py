"""What a report of stored results shows, as one dictionary: tables, curves, scores, training."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alad.errors import InputError
from alad.experiments import results
from alad.experiments.compare import compared, is_reference
from alad.experiments.one_class import ONE_CLASS, has_results, one_class, stored_cells
from alad.experiments.registry import ONLY, TABLES, Row, Table
from alad.experiments.results import Job, Stored

COSTS = "methods.json"
ABOUT = ("date", "machine", "versions", "git", "command")


def summarise(folder: Path) -> dict[str, Any]:
    """Gather every table of the registry that some result in ``folder`` belongs to.

    Raises
    ------
    InputError
        There is no such folder, or no result in it.
    """
    tables = [table for table in TABLES.values() if any(_stored(folder, table))]
    pictures = [one_class(table, folder) for table in ONE_CLASS.values()]
    pictures = [table for table in pictures if has_results(table)]
    if not (tables or pictures):
        raise InputError(
            f"Expected results of 'alad reproduce tabular', cifar10 or svhn in {folder}; there are "
            "none. Give the folder that its --results named, or run it first; 'reproduce kdd99' "
            "draws its own pictures."
        )
    stored = [found for table in tables for _, found in _stored(folder, table)]
    stored += [found for table in pictures for found in stored_cells(table["name"], folder)]
    return {
        "tables": [compared(table, folder) for table in tables],
        "one_class": pictures,
        "panels": [_panel(folder, table) for table in _largest(tables)],
        "sources": _sources(stored),
        "costs": _costs(folder),
    }


def _costs(folder: Path) -> dict[str, Any] | None:
    """What scoring costs, where 'python -m benchmarks.run methods' left it: here, or one above."""
    for path in (folder / COSTS, folder.parent / COSTS):
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return found
    return None


def _stored(folder: Path, table: Table) -> Iterator[tuple[Row, Stored]]:
    methods = {method.name: method for method in table.methods}
    for row in table.rows:
        job = Job(methods[row.method], table.data_set, table.protocol, table.fresh_splits)
        stored = results.longest(folder, job)
        if stored is not None:
            yield row, stored


def _largest(tables: list[Table]) -> list[Table]:
    """The table with the most rows of each data set and protocol: its pictures serve them all."""
    found: dict[tuple[str, str], Table] = {}
    for table in tables:
        key = (table.data_set, table.protocol)
        if key not in found or len(table.rows) > len(found[key].rows):
            found[key] = table
    return list(found.values())


def _panel(folder: Path, table: Table) -> dict[str, Any]:
    """Curves and histograms of the first seed, and training curves of all."""
    entries = [
        (row, stored)
        for row, stored in _stored(folder, table)
        if (row.score or ONLY) in stored.content["payload"]["pictures"]
    ]
    return {
        "title": table.title,
        "data_set": table.data_set,
        "protocol": table.protocol,
        "methods": [
            {
                "label": row.label,
                "control": row.control,
                "is_reference": is_reference(row),
                "picture": stored.content["payload"]["pictures"][row.score or ONLY],
            }
            for row, stored in entries
        ],
        "training": _trainings(entries),
    }


def _trainings(entries: list[tuple[Row, Stored]]) -> list[dict[str, Any]]:
    """Each training once, named by all rows that rest on it."""
    found: dict[str, dict[str, Any]] = {}
    for row, stored in entries:
        method = stored.content["payload"]["method"]
        curves = {str(run["seed"]): run["training"] for run in stored.runs if run["training"]}
        if method in found:
            found[method]["label"] += f"; {row.label}"
        elif curves:
            found[method] = {"label": row.label, "curves": curves}
    return list(found.values())


def _sources(every: Sequence[Stored]) -> list[Mapping[str, Any]]:
    """Where each result file comes from, each once, by name."""
    found = {}
    for stored in every:
        payload = stored.content["payload"]
        facts = {name: stored.content.get(name) for name in ABOUT}
        found[payload["job"]] = {
            "name": payload["job"],
            "settings": stored.identity["settings"],
            "detector": stored.identity["detector"],
            "codes": stored.codes,
            "commits": stored.commits,
            "seeds": list(stored.seeds),
            **facts,
        }
    return [found[name] for name in sorted(found)]

"""How well detectors detect, over many tables: one fit for each, judged in several ways.

The tables of a panel are divided anew for each seed. The results of a contender over a panel are
one file, in which each table has a run for each seed; what is stored is skipped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from alad.datasets import DATA_SETS, Split
from alad.errors import InputError
from alad.estimators import DETECTORS
from alad.experiments.code import code_digest
from alad.experiments.panels import CONTENDERS, PICTURES, TABLES, Contender, Panel
from alad.experiments.record import commit, record
from alad.experiments.registry import ONLY
from alad.experiments.results import CODE
from alad.experiments.run import KEEP, as_taken
from alad.metrics import auroc_by_kind, detection_metrics

METRICS = ("auroc", "average_precision", "f1")
COMPILED = 300  # rows that are scored before the time is taken: more than a block of them

Tell = Callable[[str, float | None], None]


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
        by_kind = auroc_by_kind(split.y_test, a, split.kind_test)
        scores[score] = {metric: found[metric] for metric in METRICS} | {
            "by_kind": by_kind if len(by_kind) > 1 else {},
            "microseconds": 1e6 * seconds / len(a),
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

    Whole is what has every table and, where the first contender, ``ALAD()``, is stored, all of its
    seeds. Controls that are not are ``absent``, and others that were begun: by name, how many seeds
    they have. Only what all have is compared. ``rank`` is the mean rank by AUROC over tables, of
    the means over seeds, 1 the best, among the contenders' first scores; so is
    ``critical_difference``, beyond which two mean ranks differ (Nemenyi, at 5 %). Of the ``kinds``
    of anomaly that all were judged on each counts alike in ``mean_of_kinds``.
    """
    tables = list(panel.tables)
    asked = [contender for contender in CONTENDERS.values() if contender.is_of(panel)]
    stored = [(contender, _stored(folder, panel, contender)) for contender in asked]
    least = _common(stored[0][1].get(table, ()) for table in tables)
    whole, absent = [], {}
    for contender, runs in stored:
        seeds = _common(runs.get(table, ()) for table in tables)
        if set(tables) <= set(runs) and least <= seeds:
            whole.append((contender, runs))
        elif contender.control or seeds:
            absent[contender.label] = len(seeds & least)
    shared = {table: sorted(_common(runs[table] for _, runs in whole)) for table in tables}
    rows = [
        _row(contender, score, runs, tables, shared)
        for contender, runs in whole
        for score in contender.scores
    ]
    kinds = sorted(set.intersection(*(set(row["by_kind"]) for row in rows))) if rows else []
    for row in rows:
        row["mean_of_kinds"] = float(np.mean([row["by_kind"][k] for k in kinds])) if kinds else None
    firsts = [row for row in rows if row["is_first"]]
    if len(firsts) > 1 and len(tables) > 1:
        _rank(firsts, tables)
    return {
        "name": panel.name,
        "title": panel.title,
        "tables": tables,
        "seeds": {table: len(seeds) for table, seeds in shared.items()},
        "first_seed": min(chain.from_iterable(shared.values()), default=0),
        "kinds": kinds,
        "rows": rows,
        "absent": absent,
        "critical_difference": _critical_difference(len(firsts), len(tables)),
    }


def absent(panel: Mapping[str, Any]) -> list[str]:
    """Say who is missing in a compared panel, and how many of its seeds they have.

    >>> absent({"absent": {"LOF": 0, "OC-SVM": 2}})
    ['Not run on all of it: LOF; OC-SVM (2 seeds).']
    >>> absent({"absent": {}})
    []
    """
    named = [f"{who} ({n} seeds)" if n else who for who, n in panel["absent"].items()]
    return [f"Not run on all of it: {'; '.join(named)}."] if named else []


def _common(several: Iterable[Sequence[Mapping[str, Any]]]) -> set[int]:
    """The seeds that are among all of several lists of runs."""
    seeds = [{one["seed"] for one in runs} for runs in several]
    return set.intersection(*seeds) if seeds else set()


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
        "by_kind": _by_kind([one["scores"][score] for one in every]),
        "rank": None,
        "fit_seconds": float(np.median([one["fit_seconds"] for one in every])),
        "microseconds": float(np.median([one["scores"][score]["microseconds"] for one in every])),
        "commits": sorted({one["git"]["commit"] for one in every if one["git"]}),
    }


def _by_kind(judged: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean AUROC over runs for each kind of anomaly that all have; results of before have none."""
    of_runs = [one.get("by_kind", {}) for one in judged]
    kinds = sorted(set.intersection(*map(set, of_runs)) if of_runs else ())
    return {kind: float(np.mean([run[kind] for run in of_runs])) for kind in kinds}


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
